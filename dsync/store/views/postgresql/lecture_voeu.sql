SELECT
    c.numero,
    v.rang,
    v.profil,
    v.missions
FROM candidature AS c, json_to_recordset(c.voeux::json) AS v (rang integer, profil text, missions text)
