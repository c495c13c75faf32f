SELECT
    c.numero,
    e.ligne,
    e.moment,
    e.evaluateur,
    e.commentaire,
    round(e.moyenne::numeric, 2)::double precision AS moyenne
FROM candidature AS c, json_to_recordset(c.evaluations::json) AS e (ligne integer, moment text, evaluateur text, commentaire text, moyenne double precision)
