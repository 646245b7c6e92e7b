// Mark the database as ours.
MERGE (m:KgMeta {id: 'kgplatform'})
ON CREATE SET m.schema = $schema
