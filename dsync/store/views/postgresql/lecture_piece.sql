SELECT
    c.numero,
    e.champ ->> 0 AS champ_id,
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
-- Decompressed once, and not by each function that reads it.
CROSS JOIN LATERAL (VALUES (c.champs #> '{}'), (c.annotations #> '{}')) AS o (champs)
CROSS JOIN LATERAL jsonb_array_elements(
    CASE WHEN jsonb_path_exists(o.champs, '$[*][4].nom') THEN o.champs ELSE '[]' END
) WITH ORDINALITY AS e (champ, rang)
CROSS JOIN LATERAL jsonb_to_recordset(e.champ -> 4) AS f (nom text, type_mime text, taille bigint, empreinte_md5 text, "analyse" text)
LEFT JOIN piece AS p
    ON p.numero = c.numero
        AND p.champ_id = e.champ ->> 0
        AND p.ligne = CASE WHEN e.champ ->> 2 IS NULL THEN '' ELSE jsonb_path_query_first(
            o.champs,
            'strict $[*] ? (@.size() > 5)[5][*] ? (@[1] < $rang && @[1] + @[2] >= $rang)[0]',
            jsonb_build_object('rang', e.rang)
        ) #>> '{}' END
        AND p.empreinte_md5 = f.empreinte_md5
        AND NOT p.a_supprimer
