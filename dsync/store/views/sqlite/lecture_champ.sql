SELECT
    c.numero,
    'champ' AS origine,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(e.value, '$.libelle') AS libelle,
    json_extract(e.value, '$.type') AS type,
    NULL AS ligne,
    json_extract(e.value, '$.texte') AS valeur
FROM candidature AS c, json_each(c.champs) AS e
UNION ALL
SELECT
    c.numero,
    'champ' AS origine,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(e.value, '$.libelle') AS libelle,
    json_extract(e.value, '$.type') AS type,
    l.key + 1 AS ligne,
    json_extract(e.value, '$.texte') AS valeur
FROM candidature AS c, json_each(c.champs) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e
UNION ALL
SELECT
    c.numero,
    'annotation' AS origine,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(e.value, '$.libelle') AS libelle,
    json_extract(e.value, '$.type') AS type,
    NULL AS ligne,
    json_extract(e.value, '$.texte') AS valeur
FROM candidature AS c, json_each(c.annotations) AS e
UNION ALL
SELECT
    c.numero,
    'annotation' AS origine,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(e.value, '$.libelle') AS libelle,
    json_extract(e.value, '$.type') AS type,
    l.key + 1 AS ligne,
    json_extract(e.value, '$.texte') AS valeur
FROM candidature AS c, json_each(c.annotations) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e
