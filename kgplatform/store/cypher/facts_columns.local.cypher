// The facts of some heads, a list each, in any order: sorting them costs this server more than it costs the client.
UNWIND $heads AS head
MATCH (h:Entity {id: head})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
RETURN [h.id, <<CELLS>>] AS cells
