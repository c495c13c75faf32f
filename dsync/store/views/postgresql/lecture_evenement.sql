SELECT
    e.numero,
    e.survenu_le,
    e.evenement,
    e.details
FROM evenement AS e
