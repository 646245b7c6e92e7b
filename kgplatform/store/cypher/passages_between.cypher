// Where in a document the passages are that hold some of its characters.
MATCH (p:KgPassage {source: $source})
WHERE p.epoch = $epoch AND p.digest = $digest AND p.place < $passages AND p.start < $end AND p.stop > $start
RETURN p.place AS place
ORDER BY place
