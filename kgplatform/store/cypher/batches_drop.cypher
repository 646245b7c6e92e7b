// Batches whose keys are dealt with.
UNWIND $ids AS id
MATCH (b:KgBatch {id: id})
DELETE b
