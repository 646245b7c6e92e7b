// The same for aliases that have no word the full-text index could hold.
UNWIND $keys AS key
MATCH (n:Entity)
WHERE key IN n.alias_keys
RETURN key AS key, n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect
