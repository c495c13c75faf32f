SELECT
    {columns}
FROM evenement AS e
LEFT JOIN dossier AS d ON d.numero = e.numero
