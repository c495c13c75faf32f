SELECT
    o.numero,
    o.annotation,
    o.valeur,
    o.statut,
    o.tentatives AS tentative,
    o.envoyee_le,
    o.erreur
FROM outbox AS o
