SELECT
    {columns}
FROM dossier AS d
LEFT JOIN demarche AS m ON m.number = d.demarche_numero
