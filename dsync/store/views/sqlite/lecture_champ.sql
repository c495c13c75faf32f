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
    o.origine,
    e.value ->> 0 AS champ_id,
    coalesce(s.libelle, e.value ->> 6) AS libelle,
    coalesce(s.type, e.value ->> 7) AS type,
    e.value ->> 2 AS ligne,
    e.value ->> 1 AS valeur,
    CASE WHEN coalesce(s.type, e.value ->> 7) = 'textarea' THEN length((e.value ->> 1)) END AS longueur,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM contenu AS c
CROSS JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN (SELECT 'champ' AS origine UNION ALL SELECT 'annotation') AS o
CROSS JOIN json_each(CASE o.origine WHEN 'champ' THEN c.champs ELSE c.annotations END) AS e
-- One search for both, and not a subquery each. A champ has its own only where the form is not known.
LEFT JOIN descripteur AS s ON s.revision_id = d.revision_id AND s.id = e.value ->> 0
