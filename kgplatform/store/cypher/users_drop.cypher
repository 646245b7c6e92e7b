// Users with all they took.
UNWIND $ids AS id
MATCH (u:KgUser {id: id})
DETACH DELETE u
