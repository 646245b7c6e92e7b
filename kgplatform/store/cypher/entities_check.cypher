// How many of $ids are still there, and which were merged: a difference means that a forget or a merge came between.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN count(n) AS n, collect(CASE WHEN n.redirect IS NOT NULL THEN [n.id, n.redirect] END) AS redirects
