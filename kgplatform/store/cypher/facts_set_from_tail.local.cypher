// News of facts. From the tail.
UNWIND $rows AS row
MATCH (t<<TAIL>> {id: row.tail})<-[r<<TYPE>> {key: row.key}]-(h)
SET r += row.properties
RETURN count(r) AS n
