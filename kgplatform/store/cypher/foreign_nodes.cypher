// What nodes say of themselves.
UNWIND $ids AS id
MATCH (n) WHERE elementId(n) = id
RETURN id, labels(n) AS labels, [name IN $properties | n[name]] AS held
