SELECT
    to_char(paris(d.depose_le), 'YYYY-MM') AS mois,
    k.controle,
    k.resultat,
    count(*) AS nombre
FROM dossier AS d
JOIN verdict AS v ON v.numero = d.numero AND v.courant
CROSS JOIN json_to_recordset(v.controles::json) AS k (controle text, resultat text)
GROUP BY 1, 2, 3
