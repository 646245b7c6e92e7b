// The graph is whole.
MATCH (m:KgMeta {id: 'kgplatform'})
SET m.restoring = null, m.restorer = null
