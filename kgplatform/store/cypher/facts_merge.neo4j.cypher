// Make facts, or find them: how many, and the numbers of new ones (r.b is this batch's mark) and of those with news.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head}), (t<<TAIL>> {id: row.tail})
USING INDEX h:Entity(id)
USING INDEX t<<TAIL>>(id)
MERGE (h)-[r:$(row.type) {key: row.key}]->(t)
ON CREATE SET r += row.properties, r.b = $batch
WITH row, r, r.b = $batch AS fresh
RETURN fresh AS fresh, count(row.number) AS n, collect(CASE WHEN fresh OR r.ev_ids <> row.properties.ev_ids
  OR CASE WHEN row.dated THEN r.ev_vers <> row.properties.ev_vers ELSE [v IN r.ev_vers | v % 2097152] <> row.scores END
  THEN row.number END) AS numbers
