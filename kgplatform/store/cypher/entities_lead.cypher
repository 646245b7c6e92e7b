// Where an entity leads since a merge; null ends it.
MATCH (n:Entity {id: $id})
SET n.redirect = $redirect
