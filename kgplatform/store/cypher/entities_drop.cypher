// Entities that this platform made and that no fact and no merge holds any more; who took them holds none.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.kg_made AND n.redirect IS NULL AND n.merged IS NULL AND NOT EXISTS { (n)--(m) WHERE NOT m:KgUser }
OPTIONAL MATCH (n)<-[r:INTERACTED]-()
DELETE r
WITH DISTINCT n
DELETE n
