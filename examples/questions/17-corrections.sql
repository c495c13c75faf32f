-- Qu’est-ce que les usagers corrigent le plus souvent ?
SELECT libelle, count(*) AS changements, count(DISTINCT numero) AS dossiers
FROM lecture_changement
WHERE demarche_numero = 86321 AND origine = 'champ' AND par = 'usager'
GROUP BY libelle
ORDER BY changements DESC, libelle;
