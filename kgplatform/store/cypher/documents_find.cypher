// What is kept of a document, and by what its text is known again.
MATCH (s:KgSource {id: $id})
WHERE s.passages IS NOT NULL
RETURN s.id AS id, s.kind AS kind, s.title AS title, s.uri AS uri, s.length AS length, s.passages AS passages, s.kept AS time, s.digest AS digest, coalesce(s.epoch, 0) AS epoch
