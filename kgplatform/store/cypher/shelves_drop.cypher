// Shelves that are empty.
UNWIND $ids AS id
MATCH (s:KgShelf {id: id})
DELETE s
