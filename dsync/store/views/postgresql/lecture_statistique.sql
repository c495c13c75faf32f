SELECT
    to_char(d.depose_le AT TIME ZONE 'UTC', 'YYYY-MM') AS mois,
    k.value ->> 'controle' AS controle,
    k.value ->> 'resultat' AS resultat,
    count(*) AS nombre
FROM dossier AS d
JOIN verdict AS v ON v.numero = d.numero AND v.courant
CROSS JOIN jsonb_array_elements(v.controles) AS k (value)
GROUP BY 1, 2, 3
