SELECT
    c.numero,
    'champ' AS origine,
    e.value ->> 'id' AS champ_id,
    e.value ->> 'libelle' AS libelle,
    e.value ->> 'type' AS type,
    NULL::integer AS ligne,
    e.value ->> 'texte' AS valeur
FROM candidature AS c, jsonb_array_elements(c.champs) AS e (value)
UNION ALL
SELECT
    c.numero,
    'champ' AS origine,
    e.value ->> 'id' AS champ_id,
    e.value ->> 'libelle' AS libelle,
    e.value ->> 'type' AS type,
    l.rang::integer AS ligne,
    e.value ->> 'texte' AS valeur
FROM candidature AS c, jsonb_array_elements(c.champs) AS r (value), jsonb_array_elements(r.value -> 'lignes') WITH ORDINALITY AS l (value, rang), jsonb_array_elements(l.value -> 'champs') AS e (value)
UNION ALL
SELECT
    c.numero,
    'annotation' AS origine,
    e.value ->> 'id' AS champ_id,
    e.value ->> 'libelle' AS libelle,
    e.value ->> 'type' AS type,
    NULL::integer AS ligne,
    e.value ->> 'texte' AS valeur
FROM candidature AS c, jsonb_array_elements(c.annotations) AS e (value)
UNION ALL
SELECT
    c.numero,
    'annotation' AS origine,
    e.value ->> 'id' AS champ_id,
    e.value ->> 'libelle' AS libelle,
    e.value ->> 'type' AS type,
    l.rang::integer AS ligne,
    e.value ->> 'texte' AS valeur
FROM candidature AS c, jsonb_array_elements(c.annotations) AS r (value), jsonb_array_elements(r.value -> 'lignes') WITH ORDINALITY AS l (value, rang), jsonb_array_elements(l.value -> 'champs') AS e (value)
