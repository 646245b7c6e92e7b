// Lock, then read how far the mirror of values has come.
MATCH (m:KgMeta {id: 'kgplatform'})
SET m.rev = coalesce(m.rev, 0) + 1
WITH m
RETURN m.mirrored AS mark
