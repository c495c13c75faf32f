-- Sur quels dossiers échange-t-on le plus ?
SELECT numero, nb_messages
FROM lecture_dossier
WHERE demarche_numero = 86321 AND presence = 'present'
ORDER BY nb_messages DESC, numero
LIMIT 3;
