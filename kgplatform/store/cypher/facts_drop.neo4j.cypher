// Facts with no evidence left.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head}), (t<<TAIL>> {id: row.tail})
USING INDEX h:Entity(id)
USING INDEX t<<TAIL>>(id)
MATCH (h)-[r<<TYPE>> {key: row.key}]->(t)
DELETE r
