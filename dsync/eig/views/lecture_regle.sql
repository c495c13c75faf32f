SELECT
    {columns}
FROM version_regles AS r
-- Not those of declared checks.
WHERE r.famille IS NULL
