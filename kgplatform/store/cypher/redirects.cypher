// All redirects that hold.
MATCH (m:KgMerge)
WHERE m.undone = false
RETURN collect([m.other, m.keep]) AS redirects
