SELECT
    c.numero,
    json_extract(v.value, '$.rang') AS rang,
    json_extract(v.value, '$.profil') AS profil,
    json_extract(v.value, '$.missions') AS missions
FROM candidature AS c, json_each(c.voeux) AS v
