// Documents that are there whole, a page at a time in order.
MATCH (s:KgSource)
WHERE s.id > $after AND s.passages IS NOT NULL
RETURN s.id AS id, s.kind AS kind, s.title AS title, s.uri AS uri, s.length AS length, s.passages AS passages, s.kept AS time
ORDER BY s.id
LIMIT $limit
