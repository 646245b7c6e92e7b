// Some of those at entities, to be forgotten; how many.
UNWIND $ids AS id
MATCH (e:Entity {id: id})<-[r:INTERACTED]-(u)
WHERE u:KgUser
WITH r
LIMIT $limit
DELETE r
RETURN count(r) AS n
