// Passages of a document; those of a writer that broke off are found.
UNWIND $rows AS row
MERGE (p:KgPassage {id: row.id})
SET p = row
