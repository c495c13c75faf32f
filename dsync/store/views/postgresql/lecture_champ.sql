-- Of `jsonb_path_query` PostgreSQL expects 1,000 rows and not 100, and compiles even a query for one dossier.
-- Concatenated, a list is decompressed once and not by each function that reads it.
WITH formulaire AS MATERIALIZED (
    SELECT
        r.id,
        jsonb_object_agg(s.id, s.libelle) AS libelles,
        jsonb_object_agg(s.id, s.type) AS types
    FROM revision AS r
    CROSS JOIN json_to_recordset(r.descriptors::json) AS s (id text, libelle text, type text)
    GROUP BY r.id
)
SELECT
    c.numero,
    o.origine,
    k.id AS champ_id,
    coalesce(k.libelle, f.libelles ->> k.id) AS libelle,
    coalesce(k.type, f.types ->> k.id) AS type,
    k.ligne,
    k.texte AS valeur,
    d.demarche_numero
FROM contenu AS c
JOIN dossier AS d ON d.numero = c.numero
LEFT JOIN formulaire AS f ON f.id = d.revision_id
CROSS JOIN LATERAL (VALUES ('champ', c.champs || '[]'), ('annotation', c.annotations || '[]')) AS o (origine, champs)
CROSS JOIN LATERAL (
    SELECT NULL::integer AS ligne, e.*
    FROM jsonb_to_recordset(o.champs) AS e (id text, texte text, libelle text, type text)
    UNION ALL
    SELECT l.rang::integer, e.*
    FROM jsonb_array_elements(jsonb_path_query_array(o.champs, '$[*].lignes')) AS r (lignes)
    CROSS JOIN jsonb_array_elements(r.lignes) WITH ORDINALITY AS l (ligne, rang)
    CROSS JOIN jsonb_to_recordset(l.ligne -> 'champs') AS e (id text, texte text, libelle text, type text)
) AS k
