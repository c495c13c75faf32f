WITH suite (etape, prochaine_etape, attend) AS (
    VALUES
        {suites}
)
SELECT
    e.numero,
    e.etape,
    e.du AS etape_depuis,
    e.jours AS jours_dans_etape,
    s.prochaine_etape,
    CASE WHEN s.prochaine_etape = 'Jury' AND c.jury_le IS NOT NULL THEN 'jury' ELSE s.attend END AS attend
FROM lecture_etape AS e
JOIN dossier AS d ON d.numero = e.numero AND d.presence = 'present'
JOIN candidature AS c ON c.numero = e.numero
JOIN suite AS s ON s.etape = e.etape
WHERE e.au IS NULL
