// What users took, unless a later time is known. From the user: on the local server MERGE scans the edges of its start node.
// The label that they have is set to lock them: what another writer just wrote would be read too early.
UNWIND $rows AS row
MATCH (u:KgUser {id: row.user})
MATCH (e:Entity {id: row.entity})
SET u:KgUser
MERGE (u)-[r:INTERACTED]->(e)
WITH row, r
WHERE r.time IS NULL OR row.time >= r.time
SET r.time = row.time, r.rating = row.rating
