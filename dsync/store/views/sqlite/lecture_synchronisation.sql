SELECT
    r.run,
    r.genre,
    CASE WHEN r.statut = 'running' AND l.holder IS NULL THEN 'interrupted' ELSE r.statut END AS statut,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.debut) AS debut,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.fin) AS fin,
    r.lus,
    r.modifies,
    r.supprimes,
    r.evalues,
    r.pousses,
    r.requetes,
    r.erreur
FROM sync_run AS r
LEFT JOIN lease AS l
    ON l.demarche_numero = r.demarche_numero AND l.expires_at > strftime('%Y-%m-%d %H:%M:%f', 'now')
