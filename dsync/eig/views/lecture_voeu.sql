SELECT
    c.numero,
    CAST(v.value ->> 'rang' AS integer) AS rang,
    v.value ->> 'profil' AS profil,
    v.value ->> 'missions' AS missions
FROM candidature AS c, elements(c.voeux) AS v
