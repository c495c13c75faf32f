-- Combien de dépôts par mois ?
SELECT appel, depot_mois, count(*) AS depots
FROM lecture_dossier
GROUP BY appel, depot_mois
ORDER BY appel, depot_mois;
