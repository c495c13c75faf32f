SELECT
    c.numero,
    (v.value ->> 'rang')::integer AS rang,
    v.value ->> 'profil' AS profil,
    v.value ->> 'missions' AS missions
FROM candidature AS c, jsonb_array_elements(c.voeux) AS v (value)
