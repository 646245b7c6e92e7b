// What entities show of their values, and the names of all their properties.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN n.id AS id, keys(n) AS names, n.kg_mirrored AS mirrored, [name IN coalesce(n.kg_mirrored, []) | n[name]] AS shown
