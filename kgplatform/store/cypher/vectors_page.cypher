// Nodes with the marks of their vectors, a page at a time in order.
MATCH (n<<LABELS>>)
WHERE n.id > $after
WITH n
ORDER BY n.id
LIMIT $limit
RETURN collect([n.id, n.name, n.kinds, n.aliases, n.description, n.emb_of]) AS page
