// Which kinds each relation joins, and how often.
MATCH (h:Entity)-[r]->(t)
WHERE r.key IS NOT NULL AND <<WHERE>>
RETURN r.relation AS relation, h.kinds[0] AS head, coalesce(t.datatype, t.kinds[0]) AS tail, count(r) AS facts
