SELECT
    substr(CAST(paris(d.depose_le) AS text), 1, 7) AS mois,
    k.value ->> 'controle' AS controle,
    k.value ->> 'resultat' AS resultat,
    json(v.constats) ->> 'type_administration' AS type_administration,
    json(v.constats) ->> 'phase_constatee' AS phase_constatee,
    count(*) AS nombre,
    d.demarche_numero
FROM dossier AS d
JOIN verdict AS v ON v.numero = d.numero AND v.courant
CROSS JOIN elements(v.controles) AS k
GROUP BY 1, 2, 3, 4, 5, 7
