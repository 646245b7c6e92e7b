// From now on everything written of it before is void. What it was is gone; that it was forgotten stays.
MATCH (s:KgSource {id: $id})
SET s.epoch = coalesce(s.epoch, 0) + 1, s.title = '', s.uri = '', s.length = null, s.passages = null, s.digest = null, s.kept = null
RETURN s.epoch AS epoch
