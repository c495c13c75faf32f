SELECT
    {columns}
FROM outbox AS o
LEFT JOIN verdict AS v ON v.id = o.du_verdict
LEFT JOIN dossier AS d ON d.numero = o.numero
