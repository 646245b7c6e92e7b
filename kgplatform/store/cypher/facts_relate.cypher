// Whether any fact is of a relation; a few share their type with others.
MATCH (h:Entity)-[r<<TYPE>>]->()
WHERE r.relation = $relation
RETURN r.key AS key
LIMIT 1
