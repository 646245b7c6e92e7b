// What was written after a time, oldest first.
MATCH (b:KgBatch)
WHERE b.time > $since
RETURN b.id AS id, b.time AS time, b.source AS source, b.run AS run, b.keys AS keys
ORDER BY b.time, b.id
LIMIT $limit
