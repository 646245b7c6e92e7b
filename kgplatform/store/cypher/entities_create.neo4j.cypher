// New entities of one set of kinds. A racing writer's node is found, not doubled.
UNWIND $rows AS row
MERGE (n:Entity {id: row.id})
ON CREATE SET n += row.properties
SET n<<LABELS>>
