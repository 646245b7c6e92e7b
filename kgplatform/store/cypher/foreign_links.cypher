// How many relationships of a type there are.
MATCH (n)-[r:<<TYPES>>]->()
WHERE <<WANTED>>
RETURN count(r) AS n
