// Nodes without vectors.
UNWIND $ids AS id
MATCH (n<<LABELS>> {id: id})
REMOVE n.emb, n.emb_of, n.emb_keys
