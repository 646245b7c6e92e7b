// Some of what users took, to be forgotten; how many.
UNWIND $ids AS id
MATCH (u:KgUser {id: id})-[r:INTERACTED]->()
WITH r
LIMIT $limit
DELETE r
RETURN count(r) AS n
