WITH k AS (
    SELECT
        c.numero,
        CASE o.origine WHEN 'champ' THEN c.champs ELSE c.annotations END AS champs,
        e.value AS fichier,
        replace(e.path, '.fichiers', '') AS place
    FROM contenu AS c
    CROSS JOIN (SELECT 'champ' AS origine UNION ALL SELECT 'annotation') AS o
    CROSS JOIN json_tree(CASE o.origine WHEN 'champ' THEN c.champs ELSE c.annotations END) AS e
    -- Few dossiers have files: the others are not parsed.
    WHERE CASE o.origine WHEN 'champ' THEN c.champs ELSE c.annotations END LIKE '%"fichiers"%'
        AND e.type = 'object'
        AND substr(e.path, -9) = '.fichiers'
        AND instr(e.path, '.valeur') = 0
)
SELECT
    k.numero,
    json_extract(k.champs, k.place || '.id') AS champ_id,
    json_extract(k.fichier, '$.nom') AS nom,
    json_extract(k.fichier, '$.type_mime') AS type_mime,
    json_extract(k.fichier, '$.taille') AS taille,
    json_extract(k.fichier, '$.empreinte_md5') AS empreinte_md5,
    json_extract(k.fichier, '$.analyse') AS analyse_antivirus,
    CASE WHEN p.etat = 'copiee' THEN p.adresse END AS copie,
    utc(p.copie_le) AS copie_le,
    p.etat AS copie_etat,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM k
CROSS JOIN dossier AS d ON d.numero = k.numero
LEFT JOIN piece AS p
    ON p.numero = k.numero
        AND p.champ_id = json_extract(k.champs, k.place || '.id')
        AND p.ligne = CASE instr(k.place, '.champs')
            WHEN 0 THEN ''
            ELSE json_extract(k.champs, substr(k.place, 1, instr(k.place, '.champs') - 1) || '.id')
        END
        AND p.empreinte_md5 = json_extract(k.fichier, '$.empreinte_md5')
        AND NOT p.a_supprimer
