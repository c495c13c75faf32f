SELECT
    c.numero,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(f.value, '$.nom') AS nom,
    json_extract(f.value, '$.type_mime') AS type_mime,
    json_extract(f.value, '$.taille') AS taille,
    json_extract(f.value, '$.empreinte_md5') AS empreinte_md5,
    json_extract(f.value, '$.analyse') AS analyse
FROM contenu AS c, json_each(c.champs) AS e, json_each(e.value, '$.fichiers') AS f
UNION ALL
SELECT
    c.numero,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(f.value, '$.nom') AS nom,
    json_extract(f.value, '$.type_mime') AS type_mime,
    json_extract(f.value, '$.taille') AS taille,
    json_extract(f.value, '$.empreinte_md5') AS empreinte_md5,
    json_extract(f.value, '$.analyse') AS analyse
FROM contenu AS c, json_each(c.champs) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e, json_each(e.value, '$.fichiers') AS f
UNION ALL
SELECT
    c.numero,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(f.value, '$.nom') AS nom,
    json_extract(f.value, '$.type_mime') AS type_mime,
    json_extract(f.value, '$.taille') AS taille,
    json_extract(f.value, '$.empreinte_md5') AS empreinte_md5,
    json_extract(f.value, '$.analyse') AS analyse
FROM contenu AS c, json_each(c.annotations) AS e, json_each(e.value, '$.fichiers') AS f
UNION ALL
SELECT
    c.numero,
    json_extract(e.value, '$.id') AS champ_id,
    json_extract(f.value, '$.nom') AS nom,
    json_extract(f.value, '$.type_mime') AS type_mime,
    json_extract(f.value, '$.taille') AS taille,
    json_extract(f.value, '$.empreinte_md5') AS empreinte_md5,
    json_extract(f.value, '$.analyse') AS analyse
FROM contenu AS c, json_each(c.annotations) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e, json_each(e.value, '$.fichiers') AS f
