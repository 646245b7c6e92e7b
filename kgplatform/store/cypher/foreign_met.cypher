// Which of some nodes a relationship leads to.
UNWIND $ids AS id
MATCH (n) WHERE elementId(n) = id AND EXISTS { (n)<-[:<<TYPES>>]-() }
RETURN id
