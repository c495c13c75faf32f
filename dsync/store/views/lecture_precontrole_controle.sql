SELECT
    {columns}
FROM verdict AS v
CROSS JOIN elements(v.controles) AS k
LEFT JOIN dossier AS d ON d.numero = v.numero
