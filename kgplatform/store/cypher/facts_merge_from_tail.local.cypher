// As facts_merge.neo4j for one type, from the end that is rarer in the batch: MERGE scans the edges of its start node.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})
MATCH (t<<TAIL>> {id: row.tail})
MERGE (t)<-[r<<TYPE>> {key: row.key}]-(h)
ON CREATE SET r += row.properties, r.b = $batch
WITH row, r, r.b = $batch AS fresh
RETURN fresh AS fresh, count(row.number) AS n, collect(CASE WHEN fresh OR r.ev_ids <> row.properties.ev_ids
  OR CASE WHEN row.dated THEN r.ev_vers <> row.properties.ev_vers ELSE [v IN r.ev_vers | v % 2097152] <> row.scores END
  THEN row.number END) AS numbers
