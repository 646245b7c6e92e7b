// All passages are there: from now on the document is. Lock, then read: it may have been forgotten meanwhile.
MATCH (s:KgSource {id: $id})
SET s.rev = coalesce(s.rev, 0) + 1
WITH s
WHERE coalesce(s.epoch, 0) = $epoch AND coalesce(s.digest, $digest) = $digest
SET s.kind = $kind, s.title = $title, s.uri = $uri, s.length = $length, s.passages = $passages, s.digest = $digest, s.kept = coalesce(s.kept, timestamp())
RETURN s.id AS id
