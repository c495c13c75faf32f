SELECT
    c.numero,
    (e.value ->> 'ligne')::integer AS ligne,
    n.value ->> 'critere' AS critere,
    n.value ->> 'libelle' AS libelle,
    (n.value ->> 'note')::double precision AS note
FROM candidature AS c, jsonb_array_elements(c.evaluations) AS e (value), jsonb_array_elements(e.value -> 'notes') AS n (value)
