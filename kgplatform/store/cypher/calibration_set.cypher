// From now on the graph believes by this.
MATCH (m:KgMeta {id: 'kgplatform'})
SET m.calibration = $calibration, m.revision = $revision
