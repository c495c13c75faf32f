-- The billionth: as in lecture_jury.
SELECT
    c.numero,
    CAST(e.value ->> 'ligne' AS integer) AS ligne,
    e.value ->> 'moment' AS moment,
    e.value ->> 'evaluateur' AS evaluateur,
    e.value ->> 'commentaire' AS commentaire,
    CAST(round(CAST(e.value ->> 'moyenne' AS numeric) + 0.000000001, 2) AS double precision) AS moyenne,
    CAST(e.value ->> 'soutenance' AS boolean) AS soutenance,
    CAST(e.value ->> 'complete' AS boolean) AS complete,
    CAST(e.value ->> 'remplacee_par' AS integer) AS remplacee_par,
    CAST(e.value ->> 'compte' AS boolean) AS compte,
    d.demarche_numero
FROM candidature AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN elements(c.evaluations) AS e
