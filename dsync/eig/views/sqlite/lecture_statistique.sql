-- Most dossiers of a month have the same results: these are counted together, then one by one.
WITH liste AS (
    SELECT mois, resultats, demarche_numero, count(*) AS nombre
    FROM (
        SELECT
            substr(paris(d.depose_le), 1, 7) AS mois,
            (
                SELECT json_group_array(json_extract(k.value, '$.controle', '$.resultat'))
                FROM elements(v.controles) AS k
            ) AS resultats,
            d.demarche_numero
        FROM dossier AS d
        JOIN verdict AS v ON v.numero = d.numero AND v.courant
    )
    GROUP BY 1, 2, 3
)
SELECT
    l.mois,
    json_extract(k.value, '$[0]') AS controle,
    json_extract(k.value, '$[1]') AS resultat,
    sum(l.nombre) AS nombre,
    l.demarche_numero
FROM liste AS l
CROSS JOIN elements(l.resultats) AS k
GROUP BY 1, 2, 3, 5
