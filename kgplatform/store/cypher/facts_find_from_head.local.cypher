// Facts by key, if they fit. From the head.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})-[r<<TYPE>> {key: row.key}]->(t)
WITH h, r, t
WHERE <<WHERE>>
<<RETURN>>
