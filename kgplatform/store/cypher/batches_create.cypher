// What one transaction wrote, by source and run: forgetting reads it and scans nothing.
UNWIND $rows AS row
CREATE (b:KgBatch)
SET b = row, b.time = timestamp()
