// Candidates by the vector index for many vectors at once, with half of 1 + the cosine as score.
UNWIND $rows AS row
CALL db.index.vector.queryNodes($index, $many, row.vector) YIELD node AS n, score AS score
RETURN row.at AS at, <<SCORE>> AS score, n.emb_of AS mark, n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect
