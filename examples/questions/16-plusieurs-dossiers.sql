-- Qui a déposé plusieurs dossiers ?
SELECT appel, siren, raison_sociale, count(*) AS dossiers
FROM lecture_dossier
WHERE presence = 'present' AND siren IS NOT NULL
GROUP BY appel, siren, raison_sociale
HAVING count(*) > 1
ORDER BY dossiers DESC, siren;
