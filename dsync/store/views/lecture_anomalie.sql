SELECT
    q.numero,
    q.code,
    q.message,
    utc(q.depuis) AS depuis,
    q.tentatives,
    q.demarche_numero
FROM quarantaine AS q
