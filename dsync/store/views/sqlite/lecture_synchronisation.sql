SELECT
    r.run,
    r.genre,
    r.statut,
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
