SELECT
    {columns}
FROM outbox AS o
LEFT JOIN dossier AS d ON d.numero = o.numero
