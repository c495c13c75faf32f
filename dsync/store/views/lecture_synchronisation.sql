SELECT
    {columns}
FROM sync_run AS r
LEFT JOIN lease AS l
    ON l.demarche_numero = r.demarche_numero AND l.expires_at > present()
