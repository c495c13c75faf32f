SELECT
    {columns}
FROM verdict AS v
LEFT JOIN demarche AS m ON m.number = v.demarche_numero
LEFT JOIN dossier AS d ON d.numero = v.numero
