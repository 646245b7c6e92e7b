// The first relationships of a type, with all that they hold and what they join.
MATCH (n)-[r:<<TYPES>>]->(m)
WHERE <<WANTED>>
WITH n, r, m LIMIT $limit
RETURN [name IN keys(r) | [name, r[name]]] AS held, labels(n) AS starts, labels(m) AS ends
