// The facts of some heads, in order.
UNWIND $heads AS head
MATCH (h:Entity {id: head})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
<<RETURN>>
ORDER BY h.id, r.key
<<LIMIT>>
