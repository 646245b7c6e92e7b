// What users took of one entity is of another now, which they may have taken too. Users are locked by their label.
UNWIND $users AS user
MATCH (u:KgUser {id: user})-[old:INTERACTED]->(e:Entity {id: $at})
MATCH (k:Entity {id: $to})
SET u:KgUser
MERGE (u)-[r:INTERACTED]->(k)
WITH old, r, r.time IS NULL OR old.time >= r.time AS later
SET r.rating = CASE WHEN later THEN old.rating ELSE r.rating END, r.time = CASE WHEN later THEN old.time ELSE r.time END
DELETE old
