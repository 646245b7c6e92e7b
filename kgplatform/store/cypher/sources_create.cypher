// Sources of a batch; the first title stays.
UNWIND $rows AS row
MERGE (s:KgSource {id: row.id})
ON CREATE SET s.kind = row.kind, s.title = row.title, s.uri = row.uri
