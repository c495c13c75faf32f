SELECT
    q.numero,
    q.code,
    q.message,
    strftime('%Y-%m-%dT%H:%M:%SZ', q.depuis) AS depuis,
    q.tentatives
FROM quarantaine AS q
