// New entities of one set of kinds; nobody else writes meanwhile.
UNWIND $rows AS row
CREATE (n:Entity<<LABELS>>)
SET n += row.properties
