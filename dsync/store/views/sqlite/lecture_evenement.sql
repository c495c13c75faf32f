SELECT
    e.numero,
    strftime('%Y-%m-%dT%H:%M:%SZ', e.survenu_le) AS survenu_le,
    e.evenement,
    e.details
FROM evenement AS e
