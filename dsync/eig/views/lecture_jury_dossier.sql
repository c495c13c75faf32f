-- A rank is of the present dossiers of one jury and round that have a mean: of each of these parts.
SELECT
    n.jury_le,
    n.numero,
    n.raison_sociale,
    n.page_produit,
    n.verdict,
    CASE WHEN n.classe THEN
        rank() OVER (
            PARTITION BY n.demarche_numero, n.jury_le, n.moment, n.classe ORDER BY n.note_moyenne DESC
        )
    END AS rang,
    n.moment,
    n.nb_evaluations,
    n.nb_evaluateurs,
    n.nb_incompletes,
    n.note_moyenne,
    n.note_min,
    n.note_max,
    n.ecart_evaluateurs,
    n.etat,
    n.presence,
    n.demarche_numero,
    {modifie_ici_le}
FROM (
    SELECT
        coalesce(k.jury_le, p.jury_le) AS jury_le,
        c.numero,
        c.raison_sociale,
        c.page_produit,
        c.verdict,
        c.presence = 'present' AND json(k.bilan) ->> 'moyenne' IS NOT NULL AS classe,
        json(k.bilan) ->> 'moment' AS moment,
        coalesce(CAST(json(k.bilan) ->> 'grilles' AS integer), 0) AS nb_evaluations,
        coalesce(CAST(json(k.bilan) ->> 'evaluateurs' AS integer), 0) AS nb_evaluateurs,
        coalesce(CAST(json(k.bilan) ->> 'incompletes' AS integer), 0) AS nb_incompletes,
        CAST(json(k.bilan) ->> 'moyenne' AS double precision) AS note_moyenne,
        CAST(json(k.bilan) ->> 'note_min' AS double precision) AS note_min,
        CAST(json(k.bilan) ->> 'note_max' AS double precision) AS note_max,
        CAST(json(k.bilan) ->> 'ecart' AS double precision) AS ecart_evaluateurs,
        c.etat,
        c.presence,
        c.demarche_numero
    -- In this order SQLite looks at the dossiers of juries alone, not at all of a démarche.
    FROM candidature AS k
    LEFT JOIN jury_prevu AS p ON p.numero = k.numero
    JOIN lecture_candidature AS c ON c.numero = k.numero
    WHERE coalesce(k.jury_le, p.jury_le) IS NOT NULL
) AS n
