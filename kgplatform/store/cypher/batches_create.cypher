// What one transaction wrote, by source and run: forgetting and followers read it and scan nothing.
UNWIND $rows AS row
CREATE (b:KgBatch)
SET b = row, b.time = timestamp()
