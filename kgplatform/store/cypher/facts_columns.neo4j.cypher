// The facts of some heads in one record: each record costs a round of the driver.
UNWIND $heads AS head
MATCH (h:Entity {id: head})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
WITH h, r, t
ORDER BY h.id, r.key
RETURN collect(<<CELLS>>) AS cells
