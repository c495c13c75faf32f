SELECT
    c.numero,
    CAST(v.value ->> 'rang' AS integer) AS rang,
    v.value ->> 'profil' AS profil,
    v.value ->> 'missions' AS missions,
    d.demarche_numero
FROM candidature AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN elements(c.voeux) AS v
