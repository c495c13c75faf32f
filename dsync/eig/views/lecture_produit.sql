SELECT
    p.id AS produit_id,
    p.nom,
    p.incubateur,
    (
        SELECT f.value ->> 0
        FROM ranked(p.phases) AS f
        -- Of two phases of one day the last listed one, as the check `phase` reads it.
        ORDER BY coalesce(f.value ->> 1, '') DESC, f.key DESC
        LIMIT 1
    ) AS phase,
    (
        SELECT max(day(f.value ->> 1))
        FROM elements(p.phases) AS f
    ) AS phase_depuis,
    'https://beta.gouv.fr/startups/' || p.id || '.html' AS adresse,
    utc(p.vu_le) AS consulte_le,
    utc(p.vu_le) AS modifie_ici_le
FROM produit AS p
