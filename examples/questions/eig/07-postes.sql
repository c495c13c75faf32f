-- Où seront les postes ?
SELECT lieu_de_travail_region_nom, count(*) AS dossiers
FROM formulaire_86321
WHERE presence = 'present'
GROUP BY lieu_de_travail_region_nom
ORDER BY dossiers DESC, lieu_de_travail_region_nom;
