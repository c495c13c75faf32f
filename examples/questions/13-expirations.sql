-- Quels dossiers expireront les premiers dans Démarches Simplifiées ?
SELECT numero, etat, expire_le
FROM lecture_dossier
WHERE demarche_numero = 86321 AND presence = 'present' AND expire_le IS NOT NULL
ORDER BY expire_le, numero
LIMIT 3;
