// Candidates for a search, by the full-text index's own score; what was forgotten or is not yet whole is none.
CALL db.index.fulltext.queryNodes($index, $text) YIELD node AS p, score AS score
WITH p, score
ORDER BY score DESC
LIMIT $limit
MATCH (s:KgSource {id: p.source})
WHERE p.epoch = coalesce(s.epoch, 0) AND p.digest = s.digest AND p.place < s.passages
RETURN p.source AS source, p.place AS place, p.start AS start, p.stop AS stop, p.text AS text
