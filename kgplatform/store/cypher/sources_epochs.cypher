// How often sources and runs were forgotten.
UNWIND $ids AS id
MATCH (s:KgSource {id: id})
RETURN s.id AS id, coalesce(s.epoch, 0) AS epoch
