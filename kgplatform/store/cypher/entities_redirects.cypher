// Which of $ids were merged, and into what.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.redirect IS NOT NULL
RETURN n.id AS id, n.redirect AS redirect
