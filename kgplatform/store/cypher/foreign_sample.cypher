// The first nodes with a label, with all that they hold.
MATCH (n:<<LABEL>>)
WHERE <<WANTED>>
WITH n LIMIT $limit
RETURN [name IN keys(n) | [name, n[name]]] AS held, labels(n) AS labels
