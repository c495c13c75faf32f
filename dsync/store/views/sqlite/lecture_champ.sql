-- One pass over the JSON of a dossier: its champs are the objects in the outer list and in the
-- lists `champs` of rows. A subquery per label and type costs nothing where they are not asked for.
WITH descripteur AS MATERIALIZED (
    SELECT
        r.id AS revision_id,
        json_extract(s.value, '$.id') AS id,
        json_extract(s.value, '$.libelle') AS libelle,
        json_extract(s.value, '$.type') AS type
    FROM revision AS r, json_each(r.descriptors) AS s
)
SELECT
    c.numero,
    o.origine,
    json_extract(e.value, '$.id') AS champ_id,
    coalesce(json_extract(e.value, '$.libelle'), (
        SELECT s.libelle
        FROM descripteur AS s
        WHERE s.revision_id = d.revision_id AND s.id = json_extract(e.value, '$.id')
    )) AS libelle,
    coalesce(json_extract(e.value, '$.type'), (
        SELECT s.type
        FROM descripteur AS s
        WHERE s.revision_id = d.revision_id AND s.id = json_extract(e.value, '$.id')
    )) AS type,
    CASE
        WHEN e.path <> '$' THEN CAST(substr(e.path, instr(e.path, '.lignes[') + 8) AS integer) + 1
    END AS ligne,
    json_extract(e.value, '$.texte') AS valeur,
    d.demarche_numero
FROM contenu AS c
CROSS JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN (SELECT 'champ' AS origine UNION ALL SELECT 'annotation') AS o
CROSS JOIN json_tree(CASE o.origine WHEN 'champ' THEN c.champs ELSE c.annotations END) AS e
WHERE e.type = 'object'
    AND CASE substr(e.path, -7)
        WHEN '$' THEN TRUE
        WHEN '.champs' THEN instr(e.path, '.valeur') = 0
    END
