SELECT
    {columns}
FROM dossier AS d
JOIN verdict AS v ON v.numero = d.numero AND v.courant
CROSS JOIN elements(v.controles) AS k
GROUP BY 1, 2, 3, 4, 5, 7
