// The entities among $ids that exist.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN collect([n.id, n.name, n.kinds, n.aliases, n.description]) AS found
