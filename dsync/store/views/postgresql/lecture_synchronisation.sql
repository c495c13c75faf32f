SELECT
    r.run,
    r.genre,
    r.statut,
    r.debut,
    r.fin,
    r.lus,
    r.modifies,
    r.supprimes,
    r.evalues,
    r.pousses,
    r.requetes,
    r.erreur
FROM sync_run AS r
