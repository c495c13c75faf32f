SELECT
    c.numero,
    m.value ->> 'id' AS message,
    instant(m.value ->> 'le') AS envoye_le,
    m.value ->> 'de' AS de,
    CASE WHEN m.value ->> 'correction' IS NULL THEN NULL WHEN m.value ->> 'corrige_le' IS NULL THEN 'attendue' ELSE 'traitee' END AS correction,
    instant(m.value ->> 'corrige_le') AS corrige_le,
    instant(m.value ->> 'retire_le') AS retire_le,
    m.value ->> 'texte' AS texte,
    json(m.value ->> 'pieces') AS pieces,
    m.value ->> 'courriel' AS auteur_courriel,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM contenu AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN elements(c.messages) AS m
