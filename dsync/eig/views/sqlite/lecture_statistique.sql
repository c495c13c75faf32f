-- Most dossiers have the same results: those of an hour, which is in one month of Paris, are counted
-- together. By its path, a value is looked up in a list that is parsed once.
WITH liste AS (
    SELECT heure, resultats, demarche_numero, count(*) AS nombre
    FROM (
        SELECT
            substr(d.depose_le, 1, 13) || ':00' AS heure,
            (
                SELECT json_group_array(json_extract(
                    v.controles, '$[' || k.key || '].controle', '$[' || k.key || '].resultat'
                ))
                FROM elements(v.controles) AS k
            ) AS resultats,
            d.demarche_numero
        FROM dossier AS d
        JOIN verdict AS v ON v.numero = d.numero AND v.courant
    )
    GROUP BY 1, 2, 3
)
SELECT
    substr(paris(l.heure), 1, 7) AS mois,
    json_extract(k.value, '$[0]') AS controle,
    json_extract(k.value, '$[1]') AS resultat,
    sum(l.nombre) AS nombre,
    l.demarche_numero
FROM liste AS l
CROSS JOIN elements(l.resultats) AS k
GROUP BY 1, 2, 3, 5
