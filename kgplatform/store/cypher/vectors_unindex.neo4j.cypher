// No index of a label's vectors.
DROP INDEX $name IF EXISTS
