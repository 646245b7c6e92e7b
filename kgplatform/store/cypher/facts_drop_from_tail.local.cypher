// Facts with no evidence left. From the tail.
UNWIND $rows AS row
MATCH (t<<TAIL>> {id: row.tail})<-[r<<TYPE>> {key: row.key}]-(h)
DELETE r
