// New users; an entity may be called User too, and is none of these. No MERGE: by two labels the local server scans.
UNWIND $ids AS id
CREATE (u:KgUser:User {id: id})
