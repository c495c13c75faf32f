SELECT
    q.numero,
    q.code,
    q.message,
    utc(q.depuis) AS depuis,
    q.tentatives
FROM quarantaine AS q
