// They lead no more where they led before.
UNWIND $rows AS row
MATCH (q:KgQualifier {id: row.id})-[v]->(e)
WHERE (type(v) = 'VALUE' AND NOT e.id IN row.value) OR (type(v) = 'CLAIMED' AND NOT e.id IN row.claimed)
DELETE v
