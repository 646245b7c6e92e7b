// Keys of facts that begin at an entity; FITS narrows.
MATCH (h:Entity {id: $id})-[r]->()
WHERE r.key IS NOT NULL AND r.key > $after AND <<FITS>>
RETURN r.key AS key
ORDER BY key
LIMIT $limit
