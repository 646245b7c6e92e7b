// Which of $ids are users, in one record: each record costs a round of the driver.
UNWIND $ids AS id
MATCH (u:KgUser {id: id})
RETURN collect(u.id) AS ids
