SELECT
    p.numero,
    p.rang,
    p.etape,
    p.du,
    p.au,
    CAST(round(CAST((seconds(p.fin) - seconds(p.du)) / 86400 AS numeric), 1) AS double precision) AS jours,
    p.demarche_numero
FROM (
    SELECT
        e.numero,
        e.demarche_numero,
        e.rang,
        e.etape,
        e.du,
        CASE
            WHEN e.au <= e.maintenant THEN e.au
            WHEN e.sortie > e.du THEN e.sortie
            WHEN e.sortie IS NOT NULL THEN e.du
        END AS au,
        CASE
            WHEN e.au <= e.maintenant THEN e.au
            WHEN e.sortie > e.du THEN e.sortie
            WHEN e.sortie IS NOT NULL THEN e.du
            ELSE e.maintenant
        END AS fin
    FROM (
        SELECT
            c.numero,
            d.demarche_numero,
            CAST(s.value ->> 'rang' AS integer) AS rang,
            s.value ->> 'etape' AS etape,
            instant(s.value ->> 'du') AS du,
            instant(s.value ->> 'au') AS au,
            -- A clock that is late must hide nothing of what has happened.
            CASE WHEN utc(d.modifie_le) > now() THEN utc(d.modifie_le) ELSE now() END AS maintenant,
            CASE WHEN d.presence <> 'present' THEN utc(d.presence_le) END AS sortie
        FROM candidature AS c
        JOIN dossier AS d ON d.numero = c.numero
        CROSS JOIN elements(c.etapes) AS s
    ) AS e
    WHERE e.du <= e.maintenant
) AS p
