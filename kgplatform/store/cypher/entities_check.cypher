// By what the graph believes, how many of $ids are still there, and which were merged: a difference means that somebody came between.
MATCH (m:KgMeta {id: 'kgplatform'})
WITH m.revision AS revision
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN revision, count(n) AS n, collect(CASE WHEN n.redirect IS NOT NULL THEN [n.id, n.redirect] END) AS redirects
