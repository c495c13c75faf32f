WITH descripteur AS (
    SELECT r.id AS revision_id, s.id, s.libelle, s.type
    FROM revision AS r, json_to_recordset(r.descriptors::json) AS s (id text, libelle text, type text)
)
SELECT
    c.numero,
    o.origine,
    k.id AS champ_id,
    coalesce(k.libelle, s.libelle) AS libelle,
    coalesce(k.type, s.type) AS type,
    k.ligne,
    k.texte AS valeur,
    d.demarche_numero
FROM contenu AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN LATERAL (VALUES ('champ', c.champs), ('annotation', c.annotations)) AS o (origine, champs)
CROSS JOIN LATERAL jsonb_to_recordset(o.champs) AS e (id text, texte text, lignes jsonb, libelle text, type text)
CROSS JOIN LATERAL (
    SELECT NULL::integer AS ligne, e.id, e.texte, e.libelle, e.type
    UNION ALL
    SELECT l.rang::integer, f.id, f.texte, f.libelle, f.type
    FROM jsonb_array_elements(e.lignes) WITH ORDINALITY AS l (value, rang), jsonb_to_recordset(l.value -> 'champs') AS f (id text, texte text, libelle text, type text)
) AS k
LEFT JOIN descripteur AS s ON s.revision_id = d.revision_id AND s.id = k.id
