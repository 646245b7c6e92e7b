// How many nodes with a label there are, and what could be their key.
MATCH (n:<<LABEL>>)
WHERE <<WANTED>>
RETURN count(n) AS nodes, count(DISTINCT <<KEY>>) AS different, count(<<KEY>>) AS there,
  count(CASE WHEN <<KEY>> >= '' THEN 1 END) AS texts, count(CASE WHEN <<KEY>> >= $least THEN 1 END) AS numbers
