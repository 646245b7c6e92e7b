// Facts by key, if they fit. From the tail.
UNWIND $rows AS row
MATCH (t<<TAIL>> {id: row.tail})<-[r<<TYPE>> {key: row.key}]-(h)
WITH h, r, t
WHERE <<WHERE>>
<<RETURN>>
