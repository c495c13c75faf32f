SELECT
    c.numero,
    e.value ->> 0 AS champ_id,
    f.value ->> 'nom' AS nom,
    f.value ->> 'type_mime' AS type_mime,
    f.value ->> 'taille' AS taille,
    f.value ->> 'empreinte_md5' AS empreinte_md5,
    f.value ->> 'analyse' AS analyse_antivirus,
    CASE WHEN p.etat = 'copiee' THEN p.adresse END AS copie,
    utc(p.copie_le) AS copie_le,
    p.etat AS copie_etat,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM contenu AS c
CROSS JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN (SELECT 'champ' AS origine UNION ALL SELECT 'annotation') AS o
-- Few dossiers have files: the others are not parsed.
CROSS JOIN json_each(CASE
    WHEN o.origine = 'champ' AND c.champs LIKE '%"empreinte_md5"%' THEN c.champs
    WHEN o.origine = 'annotation' AND c.annotations LIKE '%"empreinte_md5"%' THEN c.annotations
END) AS e ON e.value LIKE '%"empreinte_md5"%'
CROSS JOIN json_each(e.value, '$[4]') AS f
LEFT JOIN piece AS p
    ON p.numero = c.numero
        AND p.champ_id = e.value ->> 0
        AND p.ligne = CASE WHEN e.value ->> 2 IS NULL THEN '' ELSE (
            SELECT l.value ->> 0
            FROM json_each(e.json) AS r, json_each(r.value, '$[5]') AS l
            WHERE e.key >= l.value ->> 1 AND e.key < (l.value ->> 1) + (l.value ->> 2)
        ) END
        AND p.empreinte_md5 = f.value ->> 'empreinte_md5'
        AND NOT p.a_supprimer
