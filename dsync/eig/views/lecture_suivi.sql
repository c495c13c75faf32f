SELECT
    {columns}
FROM lecture_etape AS e
JOIN candidature AS c ON c.numero = e.numero
JOIN dossier AS d ON d.numero = e.numero
WHERE e.au IS NULL
