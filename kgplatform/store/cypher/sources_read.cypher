// Sources and runs, and how often each was forgotten.
UNWIND $ids AS id
MATCH (s:KgSource {id: id})
RETURN s.id AS id, s.kind AS kind, s.title AS title, s.uri AS uri, coalesce(s.epoch, 0) AS epoch
