// Entities that share keys of names with those that are asked for, by the full-text index's own score.
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes($index, row.text) YIELD node AS n, score AS score
RETURN row.at AS at, n.id AS id, score AS score
