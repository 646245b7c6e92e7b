// Users who took something; an entity may be called User too, and is none of these.
UNWIND $ids AS id
MERGE (u:KgUser:User {id: id})
