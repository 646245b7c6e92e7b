// The next relationships that begin at some nodes.
UNWIND $ids AS id
MATCH (n) WHERE elementId(n) = id
MATCH (n)-[r:<<TYPES>>]->(m)
WHERE elementId(r) > $after AND <<WANTED>>
WITH id, r, m ORDER BY elementId(r) LIMIT $limit
RETURN id AS start, elementId(r) AS id, type(r) AS type, [name IN $properties | r[name]] AS held,
  elementId(m) AS end, labels(m) AS labels, [name IN $identity | m[name]] AS identity
