// A sweep to do again when no older transaction can be alive.
MERGE (s:KgSweep {id: $id})
SET s.what = $what, s.name = $name, s.due = timestamp() + $after
