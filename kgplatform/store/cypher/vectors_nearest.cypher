// Candidates by the vector index; of the whole node only what ranks them.
CALL db.index.vector.queryNodes($index, $many, $vector) YIELD node AS n
RETURN n.id AS id, n.emb AS vector, n.emb_of AS mark
