// Lock, then read where they lead and what was merged into them.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
SET n.rev = coalesce(n.rev, 0) + 1
WITH n
RETURN n.id AS id, n.redirect AS redirect, n.merged AS merged
