// Lock, then read: without the first a stale list could be read. From the head.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})-[r<<TYPE>> {key: row.key}]->(t)
SET r.rev = coalesce(r.rev, 0) + 1
WITH row, r, t
RETURN row.key AS key, r.ev_ids AS ids, r.ev_vers AS versions, r.ev_docs AS documents, r.ev_claims AS claims, r.ev_parts AS parts, [t.value, t.datatype, t.unit, t.language] AS literal
