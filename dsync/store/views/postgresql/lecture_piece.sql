-- The first « row », null, stands for the dossier's own champs. With a UNION of queries that depend on
-- `c` PostgreSQL would read all in one process, and reads this in several.
-- Of `jsonb_path_query` PostgreSQL expects 1,000 rows and not 100, and compiles even a query for one dossier.
-- Concatenated, a list is decompressed once and not by each function that reads it.
SELECT
    c.numero,
    e.champ ->> 'id' AS champ_id,
    f.nom,
    f.type_mime,
    f.taille,
    f.empreinte_md5,
    f."analyse" AS analyse_antivirus,
    CASE WHEN p.etat = 'copiee' THEN p.adresse END AS copie,
    utc(p.copie_le) AS copie_le,
    p.etat AS copie_etat,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM contenu AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN LATERAL (VALUES (c.champs || '[]'), (c.annotations || '[]')) AS o (champs)
CROSS JOIN LATERAL jsonb_array_elements(
    '[null]' || jsonb_path_query_array(o.champs, '$[*].lignes[*] ? (exists (@.champs[*].fichiers))')
) WITH ORDINALITY AS l (ligne, rang)
CROSS JOIN LATERAL jsonb_array_elements(jsonb_path_query_array(
    CASE WHEN l.rang > 1 THEN l.ligne -> 'champs' ELSE o.champs END, '$[*] ? (exists (@.fichiers))'
)) AS e (champ)
CROSS JOIN LATERAL jsonb_to_recordset(e.champ -> 'fichiers') AS f (nom text, type_mime text, taille bigint, empreinte_md5 text, "analyse" text)
LEFT JOIN piece AS p
    ON p.numero = c.numero
        AND p.champ_id = e.champ ->> 'id'
        AND p.ligne = coalesce(l.ligne ->> 'id', '')
        AND p.empreinte_md5 = f.empreinte_md5
        AND NOT p.a_supprimer
