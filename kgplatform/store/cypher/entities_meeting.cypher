// Entities that share keys of names with those that are asked for, those that fit best by the full-text index's own score.
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes($index, row.text, {limit: $limit}) YIELD node AS n, score AS score
RETURN row.at AS at, score AS score, n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect
