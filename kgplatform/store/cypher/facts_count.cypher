// How many facts fit.
MATCH (h:Entity<<HEAD>>)-[r<<TYPE>>]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
RETURN count(r) AS n
