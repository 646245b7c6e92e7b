// All cards or kinds.
MATCH (n<<LABELS>>)
RETURN n.json AS json
ORDER BY n.id
