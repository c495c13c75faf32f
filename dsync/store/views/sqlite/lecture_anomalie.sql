SELECT
    q.numero,
    q.code,
    q.message,
    strftime('%Y-%m-%dT%H:%M:%SZ', q.depuis) AS depuis,
    q.tentatives
FROM quarantaine AS q
UNION ALL
SELECT
    NULL AS numero,
    'catalogue' AS code,
    p.refused_message AS message,
    strftime('%Y-%m-%dT%H:%M:%SZ', p.refused_since) AS depuis,
    p.refused_times AS tentatives
FROM evidence AS p
WHERE p.refused_sha256 IS NOT NULL
