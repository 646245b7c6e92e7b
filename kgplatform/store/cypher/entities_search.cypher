// Candidates for a search, by the full-text index's own score.
CALL db.index.fulltext.queryNodes($index, $text) YIELD node AS n, score AS score
RETURN n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect, score AS score
ORDER BY score DESC
LIMIT $limit
