// Take the graph for an encoder, unless another was first.
MERGE (m:KgMeta {id: $id})
ON CREATE SET m.encoder = $encoder, m.dimension = $dimension, m.ready = false
RETURN m.encoder AS encoder, m.dimension AS dimension, m.ready AS ready
