// Where they lead now: how many.
UNWIND $rows AS row
MATCH (q:KgQualifier {id: row.id})
MATCH (e:Entity {id: row.entity})
MERGE (q)-[v<<TYPE>>]->(e)
RETURN count(v) AS n
