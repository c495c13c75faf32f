-- Qui ne répond pas à un message de l’équipe, et depuis quand ?
SELECT numero, demande_le, sans_reponse_depuis
FROM lecture_dossier
WHERE demarche_numero = 86321 AND sans_reponse_depuis IS NOT NULL
ORDER BY sans_reponse_depuis;
