{engine}
UNION ALL
SELECT
    CAST(NULL AS bigint) AS numero,
    'catalogue' AS code,
    p.refused_message AS message,
    utc(p.refused_since) AS depuis,
    p.refused_times AS tentatives,
    CAST(NULL AS bigint) AS demarche_numero,
    utc(p.checked_at) AS modifie_ici_le
FROM evidence AS p
WHERE p.refused_sha256 IS NOT NULL
