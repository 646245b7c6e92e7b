// Facts with no evidence left. From the head.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})-[r<<TYPE>> {key: row.key}]->(t)
DELETE r
