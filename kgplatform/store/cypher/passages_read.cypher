// Passages by id.
UNWIND $ids AS id
MATCH (p:KgPassage {id: id})
RETURN p.id AS id, p.source AS source, p.epoch AS epoch, p.digest AS digest, p.place AS place, p.start AS start, p.stop AS stop, p.text AS text
ORDER BY place
