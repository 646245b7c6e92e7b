// How many there are.
MATCH (u:KgUser)-[r:INTERACTED]->()
RETURN count(r) AS n
