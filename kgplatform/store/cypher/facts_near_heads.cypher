// The most believed facts of some heads.
UNWIND $ids AS id
MATCH (h:Entity {id: id})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
<<RETURN>>
ORDER BY r.confidence DESC, r.key
<<LIMIT>>
