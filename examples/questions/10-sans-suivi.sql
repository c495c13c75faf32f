-- Quels dossiers ne sont suivis par personne ?
SELECT etat, count(*) AS dossiers
FROM lecture_dossier
WHERE demarche_numero = 86321 AND presence = 'present' AND CAST(instructeurs AS text) = '[]'
GROUP BY etat
ORDER BY etat;
