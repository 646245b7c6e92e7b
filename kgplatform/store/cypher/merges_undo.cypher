// The decision is taken back.
MATCH (m:KgMerge {id: $id})
SET m.undone = true
