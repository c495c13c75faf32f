WITH decision AS (
    SELECT
        c.numero,
        t.key,
        json(c.decideurs) ->> CAST(t.key AS integer) AS decideur,
        CASE t.value ->> 'evenement'
            WHEN 'classe_sans_suite' THEN 'sans_suite'
            WHEN 'refuse' THEN 'refuse'
            WHEN 'refuse_automatiquement' THEN 'refuse'
            ELSE 'accepte'
        END AS etat,
        t.value,
        instant(t.value ->> 'date') AS decide_le
    FROM contenu AS c, ranked(c.traitements) AS t
    WHERE t.value ->> 'evenement' IN ('accepte', 'accepte_automatiquement', 'refuse', 'refuse_automatiquement', 'classe_sans_suite')
)
SELECT
    n.numero,
    CAST(row_number() OVER (PARTITION BY n.numero ORDER BY n.value ->> 'date', n.key) AS integer) AS rang,
    n.etat,
    n.decide_le,
    substr(CAST(paris(n.decide_le) AS text), 1, 10) AS decide_jour,
    n.value ->> 'motivation' AS motivation,
    n.value ->> 'email_agent' AS instructeur_courriel,
    n.decideur,
    n.value ->> 'revision_id' AS revision,
    n.etat = d.etat
    AND row_number() OVER (PARTITION BY n.numero ORDER BY n.value ->> 'date' DESC, n.key DESC) = 1 AS en_vigueur,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM decision AS n
JOIN dossier AS d ON d.numero = n.numero
