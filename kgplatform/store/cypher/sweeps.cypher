// Sweeps that are still to be done once more, and when.
MATCH (s:KgSweep)
WHERE s.due <= $now
RETURN s.id AS id, s.what AS what, s.name AS name, s.due AS due
ORDER BY s.due, s.id
