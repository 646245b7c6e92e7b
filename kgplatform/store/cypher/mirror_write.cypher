// What entities show of their values; null removes.
UNWIND $rows AS row
MATCH (n:Entity {id: row.id})
SET n += row.properties
