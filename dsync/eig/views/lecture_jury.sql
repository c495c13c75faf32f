-- The billionth: in SQLite 2.675 is a float, a little below, and would be 2.67; in PostgreSQL 2.68.
SELECT
    j.jury_le,
    count(*) AS nb_dossiers,
    sum(CASE WHEN j.etat = 'accepte' THEN 1 ELSE 0 END) AS nb_laureats,
    CAST(round(CAST(avg(j.note_moyenne) AS numeric) + 0.000000001, 2) AS double precision) AS note_moyenne,
    CAST(round(CAST(max(j.note_moyenne) - min(j.note_moyenne) AS numeric) + 0.000000001, 2) AS double precision) AS note_ecart,
    j.demarche_numero
FROM lecture_jury_dossier AS j
GROUP BY j.jury_le, j.demarche_numero
