// Lock, then read: two writers that tell of one entity must not lose a name.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
SET n.rev = coalesce(n.rev, 0) + 1
WITH n
RETURN n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect
