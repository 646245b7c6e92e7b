// Entities that this platform made and that no fact holds any more.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.kg_made AND NOT (n)--()
DELETE n
