-- The lists of champs of a dossier are its own and those of the rows of its blocks. The own one is
-- read as the row of a first block, `[null]`, not by a UNION: PostgreSQL reads a UNION of queries
-- that depend on `c` in one process, and this one in several.
-- Of `jsonb_path_query` PostgreSQL expects 1,000 rows and not 100, and compiles even a query for one dossier.
-- Concatenated, a list is decompressed once and not by each function that reads it.
SELECT
    c.numero,
    o.origine,
    e.champ ->> 'id' AS champ_id,
    coalesce(e.champ ->> 'libelle', f.libelles ->> (e.champ ->> 'id')) AS libelle,
    coalesce(e.champ ->> 'type', f.types ->> (e.champ ->> 'id')) AS type,
    CASE WHEN b.rang > 1 THEN l.rang::integer END AS ligne,
    e.champ ->> 'texte' AS valeur,
    d.demarche_numero
FROM contenu AS c
JOIN dossier AS d ON d.numero = c.numero
LEFT JOIN (
    SELECT
        r.id,
        jsonb_object_agg(s.id, s.libelle) AS libelles,
        jsonb_object_agg(s.id, s.type) AS types
    FROM revision AS r
    CROSS JOIN json_to_recordset(r.descriptors::json) AS s (id text, libelle text, type text)
    GROUP BY r.id
) AS f ON f.id = d.revision_id
CROSS JOIN LATERAL (VALUES ('champ', c.champs || '[]'), ('annotation', c.annotations || '[]')) AS o (origine, champs)
CROSS JOIN LATERAL jsonb_array_elements('[[null]]' || jsonb_path_query_array(o.champs, '$[*].lignes')) WITH ORDINALITY AS b (lignes, rang)
CROSS JOIN LATERAL jsonb_array_elements(b.lignes) WITH ORDINALITY AS l (ligne, rang)
CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN b.rang > 1 THEN l.ligne -> 'champs' ELSE o.champs END) AS e (champ)
