// Ids of entities, a page at a time in order.
MATCH (h:Entity)
WHERE h.id > $after
RETURN h.id AS id
ORDER BY h.id
LIMIT $limit
