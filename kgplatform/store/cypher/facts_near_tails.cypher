// The most believed facts of some tails, behind a place in that order. No label on h: with one the local server scans.
UNWIND $ids AS id
MATCH (t:Entity {id: id})<-[r<<TYPE>>]-(h)
WHERE r.key IS NOT NULL AND (r.confidence < $below OR (r.confidence = $below AND r.key > $behind)) AND <<WHERE>>
<<RETURN>>
ORDER BY r.confidence DESC, r.key
<<LIMIT>>
