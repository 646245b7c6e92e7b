// The batches of a source, oldest first.
MATCH (b:KgBatch {source: $source})
RETURN b.id AS id, b.keys AS keys
ORDER BY b.time, b.id
<<LIMIT>>
