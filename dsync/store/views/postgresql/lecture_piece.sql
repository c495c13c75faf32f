SELECT
    c.numero,
    k.id AS champ_id,
    f.nom,
    f.type_mime,
    f.taille,
    f.empreinte_md5,
    f."analyse",
    CASE WHEN p.etat = 'copiee' THEN p.adresse END AS copie,
    utc(p.copie_le) AS copie_le,
    p.etat AS copie_etat,
    d.demarche_numero
FROM contenu AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN LATERAL (VALUES (c.champs), (c.annotations)) AS o (champs)
CROSS JOIN LATERAL jsonb_to_recordset(o.champs) AS e (id text, lignes jsonb, fichiers jsonb)
CROSS JOIN LATERAL (
    SELECT e.id, '' AS ligne, e.fichiers
    UNION ALL
    SELECT r.id, l.value ->> 'id', r.fichiers
    FROM jsonb_array_elements(e.lignes) AS l (value), jsonb_to_recordset(l.value -> 'champs') AS r (id text, fichiers jsonb)
) AS k
CROSS JOIN LATERAL jsonb_to_recordset(k.fichiers) AS f (nom text, type_mime text, taille bigint, empreinte_md5 text, "analyse" text)
LEFT JOIN piece AS p
    ON p.numero = c.numero
        AND p.champ_id = k.id
        AND p.ligne = k.ligne
        AND p.empreinte_md5 = f.empreinte_md5
        AND NOT p.a_supprimer
