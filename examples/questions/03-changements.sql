-- Qu’est-ce qui a changé après le dépôt, de quoi à quoi, et par qui ?
SELECT numero, origine, libelle, ancienne_valeur, nouvelle_valeur, par
FROM lecture_changement
WHERE demarche_numero = 86321 AND apres_depot AND par <> 'dsync'
ORDER BY numero, ordre;
