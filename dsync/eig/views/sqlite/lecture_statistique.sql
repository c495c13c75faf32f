-- Most dossiers have the same results: those of an hour, which is in one month of Paris, are counted
-- together. By fixed paths, all results of a verdict are found in one pass. MATERIALIZED, or SQLite
-- would sort the verdicts with all their JSON.
WITH liste AS MATERIALIZED (
    SELECT
        substr(d.depose_le, 1, 13) || ':00' AS heure,
        json_extract(v.controles, {results}) AS resultats,
        v.constats ->> 'type_administration' AS type_administration,
        v.constats ->> 'phase_constatee' AS phase_constatee,
        d.demarche_numero
    FROM dossier AS d
    JOIN verdict AS v ON v.numero = d.numero AND v.courant
)
SELECT
    substr(paris(l.heure), 1, 7) AS mois,
    json_extract(l.resultats, '$[' || k.key || ']') AS controle,
    json_extract(l.resultats, '$[' || (k.key + 1) || ']') AS resultat,
    l.type_administration,
    l.phase_constatee,
    sum(l.nombre) AS nombre,
    l.demarche_numero,
    {modifie_ici_le}
FROM (
    SELECT heure, resultats, type_administration, phase_constatee, demarche_numero, count(*) AS nombre
    FROM liste
    GROUP BY 1, 2, 3, 4, 5
) AS l
CROSS JOIN elements(l.resultats) AS k
WHERE k.key % 2 = 0 AND k.value IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 7
