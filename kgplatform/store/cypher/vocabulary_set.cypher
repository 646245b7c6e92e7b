// Add or replace cards or kinds.
UNWIND $rows AS row
MERGE (n<<LABELS>> {id: row.id})
SET n.json = row.json
