SELECT
    c.numero,
    o.origine,
    e.champ ->> 0 AS champ_id,
    coalesce(f.libelles ->> (e.champ ->> 0), e.champ ->> 6) AS libelle,
    coalesce(f.types ->> (e.champ ->> 0), e.champ ->> 7) AS type,
    (e.champ ->> 2)::integer AS ligne,
    e.champ ->> 1 AS valeur,
    CASE WHEN coalesce(f.types ->> (e.champ ->> 0), e.champ ->> 7) = 'textarea' THEN char_length(e.champ ->> 1) END AS longueur,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
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
CROSS JOIN (VALUES ('champ'), ('annotation')) AS o (origine)
CROSS JOIN LATERAL jsonb_array_elements(CASE o.origine WHEN 'champ' THEN c.champs ELSE c.annotations END) AS e (champ)
