SELECT
    e.numero,
    utc(e.survenu_le) AS survenu_le,
    e.evenement,
    e.details
FROM evenement AS e
