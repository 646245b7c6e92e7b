// Vectors of nodes that are there, while the graph holds those of this encoder.
MATCH (m:KgMeta {id: $id})
WHERE m.encoder = $encoder AND m.ready
UNWIND $rows AS row
MATCH (n<<LABELS>> {id: row.id})
SET n.emb = row.vector, n.emb_of = row.mark, n.emb_keys = row.keys
RETURN count(n) AS n
