// Keys of facts that an entity qualifies. No label on the qualifier: with one the local server scans.
MATCH (e:Entity {id: $id})<-[v:VALUE|CLAIMED]-(q)
WHERE v.key IS NULL AND q.fact > $after
RETURN DISTINCT q.fact AS key
ORDER BY key
LIMIT $limit
