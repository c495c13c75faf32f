SELECT
    o.numero,
    o.annotation,
    o.valeur,
    o.statut,
    o.tentatives AS tentative,
    strftime('%Y-%m-%dT%H:%M:%SZ', o.envoyee_le) AS envoyee_le,
    o.erreur
FROM outbox AS o
