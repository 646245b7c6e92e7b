// Whether anything was written of a source since it was last forgotten.
MATCH (s:KgSource {id: $id})
MATCH (b:KgBatch {source: $id})
WHERE coalesce(b.epoch, 0) >= coalesce(s.epoch, 0)
RETURN b.id AS id
LIMIT 1
