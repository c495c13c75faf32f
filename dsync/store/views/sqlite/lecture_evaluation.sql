SELECT
    c.numero,
    json_extract(e.value, '$.ligne') AS ligne,
    json_extract(e.value, '$.moment') AS moment,
    json_extract(e.value, '$.evaluateur') AS evaluateur,
    json_extract(e.value, '$.commentaire') AS commentaire,
    round(json_extract(e.value, '$.moyenne'), 2) AS moyenne
FROM candidature AS c, json_each(c.evaluations) AS e
