-- De quelles régions ?
SELECT region_code, region_nom, count(*) AS dossiers
FROM lecture_dossier
WHERE demarche_numero = 86321 AND presence = 'present'
GROUP BY region_code, region_nom
ORDER BY dossiers DESC, region_code;
