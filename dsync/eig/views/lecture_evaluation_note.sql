SELECT
    c.numero,
    CAST(e.value ->> 'ligne' AS integer) AS ligne,
    n.value ->> 'critere' AS critere,
    n.value ->> 'libelle' AS libelle,
    CAST(n.value ->> 'note' AS double precision) AS note
FROM candidature AS c, elements(c.evaluations) AS e, elements(e.value -> 'notes') AS n
