SELECT
    c.numero,
    e.ligne,
    n.critere,
    n.libelle,
    n.note
FROM candidature AS c, json_to_recordset(c.evaluations::json) AS e (ligne integer, notes json), json_to_recordset(e.notes) AS n (critere text, libelle text, note double precision)
