// What was merged into entities, and the names that this brings them.
UNWIND $rows AS row
MATCH (n:Entity {id: row.id})
SET n.merged = row.merged, n.also = row.also, n.kg_made = false
