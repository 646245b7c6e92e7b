// Where an entity leads since a merge; null ends it. From now on it stays, also without facts: some may be on their way to it.
MATCH (n:Entity {id: $id})
SET n.redirect = $redirect, n.kg_made = false
