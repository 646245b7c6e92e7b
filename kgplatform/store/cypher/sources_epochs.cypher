// How often sources and runs were forgotten, in one record: each record costs a round of the driver.
UNWIND $ids AS id
MATCH (s:KgSource {id: id})
RETURN collect([s.id, coalesce(s.epoch, 0)]) AS epochs
