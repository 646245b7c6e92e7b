// Whose vectors the graph holds, once their index is made.
MATCH (m:KgMeta {id: $id})
WHERE m.ready
RETURN m.encoder AS encoder, m.dimension AS dimension
