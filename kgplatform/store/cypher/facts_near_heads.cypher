// The most believed facts of some heads, behind a place in that order.
UNWIND $ids AS id
MATCH (h:Entity {id: id})-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND (r.confidence < $below OR (r.confidence = $below AND r.key > $behind)) AND <<WHERE>>
<<RETURN>>
ORDER BY r.confidence DESC, r.key
<<LIMIT>>
