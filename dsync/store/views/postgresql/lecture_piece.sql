SELECT
    c.numero,
    e.value ->> 'id' AS champ_id,
    f.value ->> 'nom' AS nom,
    f.value ->> 'type_mime' AS type_mime,
    (f.value ->> 'taille')::bigint AS taille,
    f.value ->> 'empreinte_md5' AS empreinte_md5,
    f.value ->> 'analyse' AS analyse
FROM candidature AS c, jsonb_array_elements(c.champs) AS e (value), jsonb_array_elements(e.value -> 'fichiers') AS f (value)
UNION ALL
SELECT
    c.numero,
    e.value ->> 'id' AS champ_id,
    f.value ->> 'nom' AS nom,
    f.value ->> 'type_mime' AS type_mime,
    (f.value ->> 'taille')::bigint AS taille,
    f.value ->> 'empreinte_md5' AS empreinte_md5,
    f.value ->> 'analyse' AS analyse
FROM candidature AS c, jsonb_array_elements(c.champs) AS r (value), jsonb_array_elements(r.value -> 'lignes') AS l (value), jsonb_array_elements(l.value -> 'champs') AS e (value), jsonb_array_elements(e.value -> 'fichiers') AS f (value)
UNION ALL
SELECT
    c.numero,
    e.value ->> 'id' AS champ_id,
    f.value ->> 'nom' AS nom,
    f.value ->> 'type_mime' AS type_mime,
    (f.value ->> 'taille')::bigint AS taille,
    f.value ->> 'empreinte_md5' AS empreinte_md5,
    f.value ->> 'analyse' AS analyse
FROM candidature AS c, jsonb_array_elements(c.annotations) AS e (value), jsonb_array_elements(e.value -> 'fichiers') AS f (value)
UNION ALL
SELECT
    c.numero,
    e.value ->> 'id' AS champ_id,
    f.value ->> 'nom' AS nom,
    f.value ->> 'type_mime' AS type_mime,
    (f.value ->> 'taille')::bigint AS taille,
    f.value ->> 'empreinte_md5' AS empreinte_md5,
    f.value ->> 'analyse' AS analyse
FROM candidature AS c, jsonb_array_elements(c.annotations) AS r (value), jsonb_array_elements(r.value -> 'lignes') AS l (value), jsonb_array_elements(l.value -> 'champs') AS e (value), jsonb_array_elements(e.value -> 'fichiers') AS f (value)
