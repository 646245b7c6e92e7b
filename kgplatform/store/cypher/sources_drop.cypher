// A source that is forgotten.
MATCH (s:KgSource {id: $source})
DELETE s
