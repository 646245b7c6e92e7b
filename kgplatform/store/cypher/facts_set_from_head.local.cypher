// News of facts. From the head.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})-[r<<TYPE>> {key: row.key}]->(t)
SET r += row.properties
RETURN count(r) AS n
