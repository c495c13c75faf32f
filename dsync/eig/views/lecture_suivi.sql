SELECT
    e.numero,
    e.etape,
    e.du AS etape_depuis,
    e.jours AS jours_dans_etape,
    {prochaine_etape} AS prochaine_etape,
    CASE WHEN e.etape = 'En instruction' AND c.jury_le IS NOT NULL THEN 'jury' ELSE {attend} END AS attend,
    e.demarche_numero
FROM lecture_etape AS e
JOIN candidature AS c ON c.numero = e.numero
WHERE e.au IS NULL
