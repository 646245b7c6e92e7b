// The mark of our databases.
MATCH (m:KgMeta {id: 'kgplatform'})
RETURN m.schema AS schema, m.restoring AS restoring
