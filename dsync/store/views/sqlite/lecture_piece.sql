WITH o AS (
    SELECT c.numero, c.champs FROM contenu AS c
    UNION ALL
    SELECT c.numero, c.annotations FROM contenu AS c
),
k AS (
    SELECT
        o.numero,
        json_extract(e.value, '$.id') AS champ_id,
        '' AS ligne,
        f.value AS fichier
    FROM o, json_each(o.champs) AS e, json_each(e.value, '$.fichiers') AS f
    UNION ALL
    SELECT
        o.numero,
        json_extract(e.value, '$.id') AS champ_id,
        json_extract(l.value, '$.id') AS ligne,
        f.value AS fichier
    FROM o, json_each(o.champs) AS r, json_each(r.value, '$.lignes') AS l, json_each(l.value, '$.champs') AS e, json_each(e.value, '$.fichiers') AS f
)
SELECT
    k.numero,
    k.champ_id,
    json_extract(k.fichier, '$.nom') AS nom,
    json_extract(k.fichier, '$.type_mime') AS type_mime,
    json_extract(k.fichier, '$.taille') AS taille,
    json_extract(k.fichier, '$.empreinte_md5') AS empreinte_md5,
    json_extract(k.fichier, '$.analyse') AS analyse,
    CASE WHEN p.etat = 'copiee' THEN p.adresse END AS copie,
    utc(p.copie_le) AS copie_le,
    p.etat AS copie_etat,
    d.demarche_numero
FROM k
JOIN dossier AS d ON d.numero = k.numero
LEFT JOIN piece AS p
    ON p.numero = k.numero
        AND p.champ_id = k.champ_id
        AND p.ligne = k.ligne
        AND p.empreinte_md5 = json_extract(k.fichier, '$.empreinte_md5')
        AND NOT p.a_supprimer
