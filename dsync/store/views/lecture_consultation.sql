SELECT
    {columns}
FROM demande AS c
-- No IN: a restored PostgreSQL shows it in other words.
WHERE c.genre = 'acces'
    OR c.genre = 'consultation'
    OR c.genre = 'telechargement'
    OR c.genre = 'export'
    OR c.genre = 'sauvegarde'
    OR c.genre = 'refus'
