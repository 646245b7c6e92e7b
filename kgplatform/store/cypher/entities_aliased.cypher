// Entities by normalised alias: its mark finds them, the exact key decides.
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes($index, row.mark) YIELD node AS n
WITH row, n
WHERE row.key IN n.alias_keys
RETURN row.key AS key, n.id AS id, n.name AS name, n.kinds AS kinds, n.aliases AS aliases, n.description AS description, n.also AS also, n.redirect AS redirect
