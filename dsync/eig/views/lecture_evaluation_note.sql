SELECT
    c.numero,
    CAST(e.value ->> 'ligne' AS integer) AS ligne,
    n.key + 1 AS rang,
    n.value ->> 'critere' AS critere,
    n.value ->> 'libelle' AS libelle,
    CAST(n.value ->> 'note' AS double precision) AS note,
    d.demarche_numero
FROM candidature AS c
JOIN dossier AS d ON d.numero = c.numero
CROSS JOIN elements(c.evaluations) AS e
CROSS JOIN ranked(e.value -> 'notes') AS n
