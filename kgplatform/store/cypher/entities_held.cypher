// Which of $ids this platform made and at most users hold any more, and which of these they do hold.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.kg_made AND n.redirect IS NULL AND n.merged IS NULL AND NOT EXISTS { (n)--(m) WHERE NOT m:KgUser }
RETURN collect(n.id) AS free, collect(CASE WHEN EXISTS { (n)--() } THEN n.id END) AS taken
