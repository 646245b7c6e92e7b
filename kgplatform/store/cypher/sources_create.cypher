// Sources and runs of a batch; the first title stays, unless the source was forgotten.
UNWIND $rows AS row
MERGE (s:KgSource {id: row.id})
ON CREATE SET s.kind = row.kind, s.title = row.title, s.uri = row.uri
RETURN collect([s.id, coalesce(s.epoch, 0)]) AS epochs
