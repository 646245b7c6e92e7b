// So far has the mirror of values come.
MATCH (m:KgMeta {id: 'kgplatform'})
SET m.mirrored = $mark
