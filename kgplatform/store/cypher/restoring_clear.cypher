// Drop some of what a restore that broke off has left.
MATCH (n<<LABELS>>)
WHERE <<WHERE>>
WITH n LIMIT $limit
DETACH DELETE n
RETURN count(n) AS n
