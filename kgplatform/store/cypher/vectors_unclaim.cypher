// The graph holds nobody's vectors.
MATCH (m:KgMeta {id: $id})
DELETE m
