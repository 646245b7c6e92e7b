// Lock, then read: without the first a stale list could be read. A hundred in a record: each costs a round of the driver. From the head.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})-[r<<TYPE>> {key: row.key}]->(t)
SET r.rev = coalesce(r.rev, 0) + 1
WITH row, r, t
RETURN row.number / 100 AS part,
  collect([row.key, r.ev_ids, r.ev_vers, r.ev_docs, r.ev_claims, r.ev_parts, [t.value, t.datatype, t.unit, t.language]]) AS held
