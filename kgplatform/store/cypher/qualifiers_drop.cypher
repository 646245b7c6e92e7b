// Nodes of qualifiers that are entities no more, or whose fact is gone.
UNWIND $ids AS id
MATCH (q:KgQualifier {id: id})
DETACH DELETE q
