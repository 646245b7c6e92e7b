// Ids of users, a page at a time in order.
MATCH (u:KgUser)
WHERE u.id > $after
RETURN u.id AS id
ORDER BY u.id
LIMIT $limit
