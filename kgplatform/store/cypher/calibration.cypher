// By what the graph believes; null is what ships.
MATCH (m:KgMeta {id: 'kgplatform'})
RETURN m.calibration AS calibration
