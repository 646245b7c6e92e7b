// Sources and runs, how often each was forgotten, and what is kept of a document.
UNWIND $ids AS id
MATCH (s:KgSource {id: id})
RETURN s.id AS id, s.kind AS kind, s.title AS title, s.uri AS uri, coalesce(s.epoch, 0) AS epoch, s.length AS length, s.passages AS passages, s.digest AS digest, s.kept AS kept
