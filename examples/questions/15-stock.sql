-- Combien de dossiers en stock, par état, jour après jour ?
SELECT jour, indicateur, valeur
FROM lecture_indicateur
WHERE demarche_numero = 86321 AND indicateur LIKE 'stock%'
ORDER BY jour, indicateur;
