// How many facts with one tail fit.
MATCH (t:Entity {id: $tail})<-[r<<TYPE>>]-(h)
WHERE r.key IS NOT NULL AND <<WHERE>>
RETURN count(r) AS n
