// Nodes of qualifiers that are entities; the lock on their fact keeps others away.
UNWIND $rows AS row
MERGE (q:KgQualifier {id: row.id})
SET q.fact = row.fact, q.name = row.name
