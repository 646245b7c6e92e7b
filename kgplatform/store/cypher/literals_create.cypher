// The literals of new facts; each belongs to one fact and bears its key.
UNWIND $rows AS row
MERGE (l:KgLiteral {id: row.id})
ON CREATE SET l.value = row.value, l.datatype = row.datatype, l.unit = row.unit, l.language = row.language
