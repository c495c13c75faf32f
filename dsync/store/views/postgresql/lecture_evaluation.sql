SELECT
    c.numero,
    (e.value ->> 'ligne')::integer AS ligne,
    e.value ->> 'moment' AS moment,
    e.value ->> 'evaluateur' AS evaluateur,
    e.value ->> 'commentaire' AS commentaire,
    (e.value ->> 'moyenne')::double precision AS moyenne
FROM candidature AS c, jsonb_array_elements(c.evaluations) AS e (value)
