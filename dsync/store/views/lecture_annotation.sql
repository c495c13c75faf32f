SELECT
    o.numero,
    o.annotation,
    o.valeur,
    o.statut,
    o.tentatives AS tentative,
    utc(o.envoyee_le) AS envoyee_le,
    utc(o.confirmee_le) AS confirmee_le,
    o.erreur,
    o.demarche_numero
FROM outbox AS o
