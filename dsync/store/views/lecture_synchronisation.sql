SELECT
    r.run,
    r.genre,
    CASE WHEN r.statut = 'running' AND l.holder IS NULL THEN 'interrupted' ELSE r.statut END AS statut,
    utc(r.debut) AS debut,
    utc(r.fin) AS fin,
    r.lus,
    r.modifies,
    r.supprimes,
    r.evalues,
    r.pousses,
    r.requetes,
    r.erreur,
    r.code,
    r.demarche_numero
FROM sync_run AS r
LEFT JOIN lease AS l
    ON l.demarche_numero = r.demarche_numero AND l.expires_at > present()
