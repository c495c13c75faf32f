SELECT
    c.numero,
    k.id AS champ_id,
    f.nom,
    f.type_mime,
    f.taille,
    f.empreinte_md5,
    f."analyse"
FROM contenu AS c
CROSS JOIN LATERAL (VALUES (c.champs), (c.annotations)) AS o (champs)
CROSS JOIN LATERAL jsonb_to_recordset(o.champs) AS e (id text, lignes jsonb, fichiers jsonb)
CROSS JOIN LATERAL (
    SELECT e.id, e.fichiers
    UNION ALL
    SELECT r.id, r.fichiers
    FROM jsonb_array_elements(e.lignes) AS l (value), jsonb_to_recordset(l.value -> 'champs') AS r (id text, fichiers jsonb)
) AS k
CROSS JOIN LATERAL jsonb_to_recordset(k.fichiers) AS f (nom text, type_mime text, taille bigint, empreinte_md5 text, "analyse" text)
