-- A subquery per label and type costs nothing where they are not asked for.
WITH descripteur AS MATERIALIZED (
    SELECT
        r.id AS revision_id,
        s.value ->> 'id' AS id,
        s.value ->> 'libelle' AS libelle,
        s.value ->> 'type' AS type
    FROM revision AS r, json_each(r.descriptors) AS s
)
SELECT
    c.numero,
    coalesce(e.value ->> 'origine', 'champ') AS origine,
    e.value ->> 'id' AS champ_id,
    coalesce(e.value ->> 'libelle', (
        SELECT s.libelle
        FROM descripteur AS s
        WHERE s.revision_id = d.revision_id AND s.id = e.value ->> 'id'
    )) AS libelle,
    coalesce(e.value ->> 'type', (
        SELECT s.type
        FROM descripteur AS s
        WHERE s.revision_id = d.revision_id AND s.id = e.value ->> 'id'
    )) AS type,
    e.value ->> 'ligne' AS ligne,
    e.value ->> 'texte' AS valeur,
    d.demarche_numero
FROM contenu AS c
CROSS JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN json_each(c.cellules) AS e
