// New entities of one set of kinds. A racing writer's node raises a ConstraintError, and the transaction is made again.
UNWIND $rows AS row
CREATE (n:Entity<<LABELS>>)
SET n += row.properties
