// A sweep that was done, unless it was ordered again meanwhile.
MATCH (s:KgSweep {id: $id})
WHERE s.due = $due
DELETE s
