// The sources of which anything was written since they were last forgotten, those with most first.
MATCH (b:KgBatch)
WHERE b.source <> ''
WITH b.source AS id, max(coalesce(b.epoch, 0)) AS epoch, sum(size(b.keys)) AS facts
MATCH (s:KgSource {id: id})
WHERE epoch >= coalesce(s.epoch, 0)
RETURN id
ORDER BY facts DESC, id
