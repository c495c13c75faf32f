SELECT
    c.numero,
    json_extract(e.value, '$.ligne') AS ligne,
    json_extract(n.value, '$.critere') AS critere,
    json_extract(n.value, '$.libelle') AS libelle,
    json_extract(n.value, '$.note') AS note
FROM candidature AS c, json_each(c.evaluations) AS e, json_each(e.value, '$.notes') AS n
