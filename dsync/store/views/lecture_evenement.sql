SELECT
    e.numero,
    utc(e.survenu_le) AS survenu_le,
    e.evenement,
    e.details,
    e.demarche_numero
FROM evenement AS e
