SELECT
    c.numero,
    CAST(row_number() OVER (PARTITION BY c.numero ORDER BY t.value ->> 'date', t.key) AS integer) AS rang,
    CASE t.value ->> 'evenement'
        WHEN 'classe_sans_suite' THEN 'sans_suite'
        WHEN 'refuse' THEN 'refuse'
        WHEN 'refuse_automatiquement' THEN 'refuse'
        ELSE 'accepte'
    END AS etat,
    instant(t.value ->> 'date') AS decide_le,
    t.value ->> 'motivation' AS motivation,
    t.value ->> 'email_agent' AS instructeur_courriel,
    t.value ->> 'revision_id' AS revision
FROM contenu AS c, ranked(c.traitements) AS t
WHERE t.value ->> 'evenement' IN ('accepte', 'accepte_automatiquement', 'refuse', 'refuse_automatiquement', 'classe_sans_suite')
