// How many of $ids are still there: fewer than before means that a forget came between.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN count(n) AS n
