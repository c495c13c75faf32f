SELECT
    p.id AS produit_id,
    p.nom,
    p.incubateur,
    (
        SELECT f.value ->> 0
        FROM elements(p.phases) AS f
        ORDER BY coalesce(f.value ->> 1, '') DESC
        LIMIT 1
    ) AS phase,
    (
        SELECT max(day(f.value ->> 1))
        FROM elements(p.phases) AS f
    ) AS phase_depuis,
    'https://beta.gouv.fr/startups/' || p.id || '.html' AS adresse,
    utc(p.vu_le) AS consulte_le
FROM produit AS p
