// The facts of some heads, a record each: this server is slow at making long lists.
UNWIND $heads AS head
MATCH (h:Entity {id: head})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
RETURN <<CELLS>> AS cells
ORDER BY h.id, r.key
