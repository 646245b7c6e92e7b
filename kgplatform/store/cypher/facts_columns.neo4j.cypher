// The facts of some heads as columns in one record.
UNWIND $heads AS head
MATCH (h:Entity {id: head})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
WITH h, r, t
ORDER BY h.id, r.key
RETURN <<CELLS>>
