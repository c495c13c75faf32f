SELECT
    strftime('%Y-%m', paris(d.depose_le)) AS mois,
    json_extract(k.value, '$.controle') AS controle,
    json_extract(k.value, '$.resultat') AS resultat,
    count(*) AS nombre
FROM dossier AS d
JOIN verdict AS v ON v.numero = d.numero AND v.courant
JOIN json_each(v.controles) AS k
GROUP BY 1, 2, 3
