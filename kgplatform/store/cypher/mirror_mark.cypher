// How far the mirror of values has come, and what time it is.
MATCH (m:KgMeta {id: 'kgplatform'})
RETURN m.mirrored AS mark, timestamp() AS now
