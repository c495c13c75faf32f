SELECT
    c.numero,
    CAST(e.value ->> 'ligne' AS integer) AS ligne,
    e.value ->> 'moment' AS moment,
    e.value ->> 'evaluateur' AS evaluateur,
    e.value ->> 'commentaire' AS commentaire,
    CAST(round(CAST(e.value ->> 'moyenne' AS numeric), 2) AS double precision) AS moyenne
FROM candidature AS c, elements(c.evaluations) AS e
