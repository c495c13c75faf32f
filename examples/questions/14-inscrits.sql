-- Qu’est-ce qui a vraiment figuré dans les dossiers ?
SELECT annotation, statut, count(*) AS valeurs, count(envoyee_le) AS envoyees,
       count(confirmee_le) AS ont_figure  -- y compris une valeur remplacée depuis
FROM lecture_annotation
WHERE demarche_numero = 86321
GROUP BY annotation, statut
ORDER BY annotation, statut;
