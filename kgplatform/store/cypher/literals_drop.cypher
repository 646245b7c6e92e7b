// The literals of facts that are gone.
UNWIND $ids AS id
MATCH (l:KgLiteral {id: id})
DELETE l
