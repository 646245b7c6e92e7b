// News of entities that are there, with the labels of kinds they may lack.
UNWIND $rows AS row
MATCH (n:Entity {id: row.id})
SET n += row.properties
SET n:Entity<<LABELS>>
