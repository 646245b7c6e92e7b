// Facts by key, if they fit.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head}), (t<<TAIL>> {id: row.tail})
USING INDEX h:Entity(id)
USING INDEX t<<TAIL>>(id)
MATCH (h)-[r<<TYPE>> {key: row.key}]->(t)
WITH h, r, t
WHERE <<WHERE>>
<<RETURN>>
