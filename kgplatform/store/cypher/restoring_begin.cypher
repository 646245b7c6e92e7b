// From now on the graph is half of a backup, and whoever restores it is this one.
MATCH (m:KgMeta {id: 'kgplatform'})
SET m.restoring = $file, m.restorer = $restorer, m.calibration = null, m.revision = null
