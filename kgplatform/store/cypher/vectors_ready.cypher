// The index is made.
MATCH (m:KgMeta {id: $id})
WHERE m.encoder = $encoder AND m.dimension = $dimension
SET m.ready = true
RETURN m.id AS id
