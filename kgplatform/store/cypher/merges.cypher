// All merges, or those of one entity, the latest first.
MATCH (m:KgMerge)
WHERE $entity IS NULL OR m.keep = $entity OR m.other = $entity
RETURN m.id AS id, m.keep AS keep, m.other AS other, m.by AS by, m.time AS time, m.undone AS undone
ORDER BY m.time DESC, m.id
