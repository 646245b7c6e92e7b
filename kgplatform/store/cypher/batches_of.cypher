// The batches of a source or a run that were written before it was forgotten, oldest first.
MATCH (b:KgBatch {<<WHICH>>: $name})
WHERE b.<<EPOCH>> IS NULL OR b.<<EPOCH>> < $epoch
RETURN b.id AS id, b.keys AS keys
ORDER BY b.time, b.id
<<LIMIT>>
