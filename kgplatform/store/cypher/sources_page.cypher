// Ids of sources and runs, a page at a time in order.
MATCH (s:KgSource)
WHERE s.id > $after
RETURN s.id AS id
ORDER BY s.id
LIMIT $limit
