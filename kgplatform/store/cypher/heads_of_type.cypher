// Ids of all heads of one relation.
MATCH (h:Entity)-[r<<TYPE>>]->()
RETURN DISTINCT h.id AS id
