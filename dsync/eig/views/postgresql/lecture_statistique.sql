SELECT
    substr(paris(d.depose_le)::text, 1, 7) AS mois,
    k.controle,
    k.resultat,
    v.constats::json ->> 'type_administration' AS type_administration,
    v.constats::json ->> 'phase_constatee' AS phase_constatee,
    count(*) AS nombre,
    d.demarche_numero,
    {modifie_ici_le}
FROM dossier AS d
JOIN verdict AS v ON v.numero = d.numero AND v.courant
CROSS JOIN json_to_recordset(v.controles::json) AS k (controle text, resultat text)
GROUP BY 1, 2, 3, 4, 5, 7
