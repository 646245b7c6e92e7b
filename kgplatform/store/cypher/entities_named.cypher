// Entities by normalised name.
UNWIND $keys AS key
MATCH (n:Entity {name_key: key})
RETURN key AS key, n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect
