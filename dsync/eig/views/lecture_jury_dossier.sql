-- The billionth: in SQLite 2.675 is a float, a little below, and would be 2.67; in PostgreSQL 2.68.
SELECT
    c.jury_le,
    c.numero,
    c.raison_sociale,
    c.page_produit,
    c.verdict,
    (SELECT count(*) FROM lecture_evaluation AS e WHERE e.numero = c.numero) AS nb_evaluations,
    (
        SELECT CAST(round(CAST(avg(e.moyenne) AS numeric) + 0.000000001, 2) AS double precision)
        FROM lecture_evaluation AS e
        WHERE e.numero = c.numero
    ) AS note_moyenne,
    (SELECT min(n.note) FROM lecture_evaluation_note AS n WHERE n.numero = c.numero) AS note_min,
    (SELECT max(n.note) FROM lecture_evaluation_note AS n WHERE n.numero = c.numero) AS note_max,
    (
        SELECT CAST(round(CAST(max(e.moyenne) - min(e.moyenne) AS numeric) + 0.000000001, 2) AS double precision)
        FROM lecture_evaluation AS e
        WHERE e.numero = c.numero
    ) AS ecart_evaluateurs,
    c.etat,
    c.demarche_numero
FROM lecture_candidature AS c
WHERE c.jury_le IS NOT NULL
