// The clock by which batches are dated.
RETURN timestamp() AS now
