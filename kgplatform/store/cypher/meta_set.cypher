// Mark the database as ours.
MERGE (m:KgMeta {id: 'kgplatform'})
SET m.schema = $schema
