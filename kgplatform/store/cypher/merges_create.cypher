// A decision that two entities are one.
CREATE (m:KgMerge)
SET m = $row
