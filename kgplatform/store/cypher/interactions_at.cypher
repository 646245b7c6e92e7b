// Some of the users who took an entity. No label on them: with one the local server scans.
MATCH (e:Entity {id: $id})<-[r:INTERACTED]-(u)
WHERE u:KgUser
RETURN u.id AS id
LIMIT $limit
