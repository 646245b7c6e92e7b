// The next nodes with a label, in the order of a key that no two share.
MATCH (n:<<LABEL>>)
WHERE <<WANTED>>
WITH n, <<KEY>> AS key ORDER BY key LIMIT $limit
RETURN elementId(n) AS id, key
