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
CROSS JOIN LATERAL json_to_recordset(o.champs::json) AS e (id text, lignes json, fichiers json)
CROSS JOIN LATERAL (
    SELECT e.id, e.fichiers
    UNION ALL
    SELECT r.id, r.fichiers
    FROM json_array_elements(e.lignes) AS l (value), json_to_recordset(l.value -> 'champs') AS r (id text, fichiers json)
) AS k
CROSS JOIN LATERAL json_to_recordset(k.fichiers) AS f (nom text, type_mime text, taille bigint, empreinte_md5 text, "analyse" text)
