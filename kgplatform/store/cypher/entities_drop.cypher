// Entities that this platform made and that no fact and no merge holds any more.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.kg_made AND n.redirect IS NULL AND n.merged IS NULL AND NOT (n)--()
DELETE n
