// Candidates by the vector index for many vectors at once, by the index's own score.
UNWIND $rows AS row
CALL db.index.vector.queryNodes($index, $many, row.vector) YIELD node AS n, score AS score
RETURN row.at AS at, n.id AS id, n.emb AS vector, n.emb_of AS mark
