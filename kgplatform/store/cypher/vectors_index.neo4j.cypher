// The index of a label's vectors.
CREATE VECTOR INDEX $name IF NOT EXISTS
FOR (n<<LABELS>>) ON (n.emb)
OPTIONS {indexConfig: {`vector.dimensions`: $dimension, `vector.similarity_function`: 'cosine'}}
