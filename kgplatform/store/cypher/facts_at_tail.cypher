// Keys of facts that end at an entity. No label on the head: with one the local server scans.
MATCH (t:Entity {id: $id})<-[r]-()
WHERE r.key IS NOT NULL AND r.key > $after AND <<FITS>>
RETURN r.key AS key
ORDER BY key
LIMIT $limit
