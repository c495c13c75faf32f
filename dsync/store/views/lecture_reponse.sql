SELECT
    r.numero,
    r.controle,
    r.resultat,
    r.motif,
    r.produit,
    r.auteur,
    utc(r.repondu_le) AS repondu_le,
    CASE
        WHEN r.statut = 'valable' AND EXISTS (
            SELECT 1
            FROM verdict AS v, elements(v.controles) AS k
            WHERE v.numero = r.numero
                AND v.courant
                AND k.value ->> 'controle' = r.controle
                AND k.value ->> 'resultat' = 'a_verifier'
                AND CAST(k.value -> 'preuve' -> 'etabli' ->> 'reponse' AS BIGINT) = r.id
        ) THEN 'a_confirmer'
        -- The check was renamed, removed or switched off: the answer makes no verdict.
        WHEN r.statut = 'valable' AND EXISTS (
            SELECT 1
            FROM verdict AS v
            WHERE v.numero = r.numero
                AND v.courant
                AND NOT EXISTS (
                    SELECT 1
                    FROM elements(v.controles) AS k
                    WHERE k.value ->> 'controle' = r.controle
                )
        ) THEN 'a_confirmer'
        ELSE r.statut
    END AS statut,
    json(r.constat) ->> 'resultat' AS constat_resultat,
    json(r.constat) ->> 'motif' AS constat_motif,
    json(r.constat) ->> 'preuve' AS constat_preuve,
    utc(r.finie_le) AS finie_le,
    r.finie_par,
    r.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM reponse AS r
LEFT JOIN dossier AS d ON d.numero = r.numero
