SELECT
    {columns}
FROM changement AS c
LEFT JOIN dossier AS d ON d.numero = c.numero
