// What was written at a time, from a place on. Without the hint Neo4j walks the ids of all batches, which are in order already.
MATCH (b:KgBatch)
USING INDEX b:KgBatch(time)
WHERE b.time = $time AND b.id > $after AND <<WHICH>>
RETURN b.id AS id, b.time AS time, b.source AS source, b.run AS run, <<KEYS>> AS keys
ORDER BY b.id
LIMIT $limit
