// Users, with what they took meanwhile.
UNWIND $ids AS id
MATCH (u:KgUser {id: id})
DETACH DELETE u
