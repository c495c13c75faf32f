-- Combien de dossiers, de verdicts, de décisions, jour après jour ?
SELECT jour, indicateur, valeur
FROM lecture_indicateur
WHERE demarche_numero = 86321 AND indicateur IN ('depots', 'verdict_eligible', 'decision_accepte')
ORDER BY jour, indicateur;
