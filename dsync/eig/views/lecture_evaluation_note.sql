SELECT
    {columns}
FROM candidature AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN elements(c.evaluations) AS e
CROSS JOIN ranked(e.value -> 4) AS n
