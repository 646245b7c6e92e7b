// Entities with aliases that an older version wrote, a page at a time in order.
MATCH (n:Entity)
WHERE n.id > $after AND size(n.alias_keys) > 0 AND n.alias_marks IS NULL
RETURN n.id AS id, n.alias_keys AS keys
ORDER BY n.id
LIMIT $limit
