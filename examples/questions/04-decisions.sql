-- Quelles décisions ont été prises, par qui, et pourquoi ?
SELECT numero, etat, decide_le, motivation, instructeur_courriel
FROM lecture_decision
WHERE demarche_numero = 86321 AND en_vigueur
ORDER BY decide_le, numero;
