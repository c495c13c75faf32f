WITH descripteur AS MATERIALIZED (
    SELECT
        r.id AS revision_id,
        json_extract(s.value, '$.id') AS id,
        json_extract(s.value, '$.libelle') AS libelle,
        json_extract(s.value, '$.type') AS type
    FROM revision AS r, json_each(r.descriptors) AS s
)
SELECT
    k.numero,
    k.origine,
    k.id AS champ_id,
    coalesce(k.libelle, s.libelle) AS libelle,
    coalesce(k.type, s.type) AS type,
    k.ligne,
    k.texte AS valeur,
    d.demarche_numero
FROM (
    SELECT
        c.numero,
        'champ' AS origine,
        NULL AS ligne,
        json_extract(e.value, '$.id') AS id,
        json_extract(e.value, '$.texte') AS texte,
        json_extract(e.value, '$.libelle') AS libelle,
        json_extract(e.value, '$.type') AS type
    FROM contenu AS c, json_each(c.champs) AS e
    UNION ALL
    SELECT
        c.numero,
        'champ' AS origine,
        l.key + 1 AS ligne,
        json_extract(e.value, '$.id') AS id,
        json_extract(e.value, '$.texte') AS texte,
        json_extract(e.value, '$.libelle') AS libelle,
        json_extract(e.value, '$.type') AS type
    FROM contenu AS c, json_each(c.champs) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e
    UNION ALL
    SELECT
        c.numero,
        'annotation' AS origine,
        NULL AS ligne,
        json_extract(e.value, '$.id') AS id,
        json_extract(e.value, '$.texte') AS texte,
        json_extract(e.value, '$.libelle') AS libelle,
        json_extract(e.value, '$.type') AS type
    FROM contenu AS c, json_each(c.annotations) AS e
    UNION ALL
    SELECT
        c.numero,
        'annotation' AS origine,
        l.key + 1 AS ligne,
        json_extract(e.value, '$.id') AS id,
        json_extract(e.value, '$.texte') AS texte,
        json_extract(e.value, '$.libelle') AS libelle,
        json_extract(e.value, '$.type') AS type
    FROM contenu AS c, json_each(c.annotations) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e
) AS k
JOIN dossier AS d ON d.numero = k.numero
LEFT JOIN descripteur AS s ON s.revision_id = d.revision_id AND s.id = k.id
