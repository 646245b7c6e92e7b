// What was written after a time, oldest first. Ordered by the indexed time alone: by more, the local server sorts all there is for each page.
MATCH (b:KgBatch)
WHERE b.time > $time AND <<WHICH>>
RETURN b.id AS id, b.time AS time, b.source AS source, b.run AS run, <<KEYS>> AS keys
ORDER BY b.time
LIMIT $limit
