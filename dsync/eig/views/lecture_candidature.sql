SELECT
    {columns}
FROM dossier AS d
LEFT JOIN candidature AS c ON c.numero = d.numero
LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant
