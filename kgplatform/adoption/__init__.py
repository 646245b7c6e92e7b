"""A Neo4j graph of somebody's own, adopted as facts: a map says what its labels, types and properties mean. It is only read."""
