SELECT
    q.numero,
    q.code,
    q.message,
    q.depuis,
    q.tentatives
FROM quarantaine AS q
