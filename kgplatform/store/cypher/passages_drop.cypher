// Some passages of a source that were written before it was forgotten.
MATCH (p:KgPassage {source: $source})
WHERE p.epoch < $epoch
WITH p
LIMIT $limit
DELETE p
RETURN count(*) AS n
