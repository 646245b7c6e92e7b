// The batches of a source or a run that were written before it was forgotten, oldest first, from a place on.
MATCH (b:KgBatch {<<WHICH>>: $name})
WHERE (b.<<EPOCH>> IS NULL OR b.<<EPOCH>> < $epoch) AND (b.time > $time OR (b.time = $time AND b.id > $after))
RETURN b.id AS id, b.keys AS keys, b.time AS time
ORDER BY b.time, b.id
<<LIMIT>>
