// The marks of their aliases, in the order of the keys.
UNWIND $rows AS row
MATCH (n:Entity {id: row.id})
SET n.alias_marks = row.marks
