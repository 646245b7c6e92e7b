// Pieces of facts that have too many for their relationship.
UNWIND $ids AS id
MATCH (s:KgShelf {id: id})
RETURN s.fact AS key, s.ids AS ids, s.versions AS versions, s.documents AS documents, s.claims AS claims
