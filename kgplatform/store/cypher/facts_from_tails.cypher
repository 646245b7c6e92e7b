// The facts of some tails, in order. No label on h: with one the local server scans.
UNWIND $tails AS tail
MATCH (t:Entity {id: tail})<-[r<<TYPE>>]-(h)
WHERE r.key IS NOT NULL AND <<WHERE>>
<<RETURN>>
ORDER BY h.id, r.key
<<LIMIT>>
