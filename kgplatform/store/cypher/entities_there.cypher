// Which of $ids are entities, in one record: each record costs a round of the driver.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN collect(n.id) AS ids
