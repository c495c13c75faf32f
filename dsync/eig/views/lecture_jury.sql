-- The billionth: in SQLite 2.675 is a float, a little below, and would be 2.67; in PostgreSQL 2.68.
SELECT
    {columns}
FROM lecture_jury_dossier AS j
GROUP BY j.jury_le, j.demarche_numero
