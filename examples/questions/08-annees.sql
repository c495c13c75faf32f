-- Deux années se comparent-elles ?
SELECT appel, min(depot_mois) AS premier_depot, count(*) AS dossiers,
       sum(CASE WHEN etat = 'accepte' THEN 1 ELSE 0 END) AS acceptes,
       sum(CASE WHEN etat = 'refuse' THEN 1 ELSE 0 END) AS refuses
FROM lecture_dossier
WHERE presence = 'present'
GROUP BY appel
ORDER BY premier_depot;
