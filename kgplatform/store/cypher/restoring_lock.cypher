// Lock, then read which backup the graph is being restored from, and by whom.
MATCH (m:KgMeta {id: 'kgplatform'})
SET m.rev = coalesce(m.rev, 0) + 1
WITH m
RETURN m.restoring AS file, m.restorer AS restorer
