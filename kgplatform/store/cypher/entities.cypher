// The entities among $ids that exist, as they stand.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN collect([n.id, n.name, n.kinds, n.aliases, n.description, n.also, n.redirect]) AS found
