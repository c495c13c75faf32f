-- Quels dossiers l’usager a-t-il modifiés après le dépôt ?
SELECT numero, depose_le, champs_modifie_le
FROM lecture_dossier
WHERE demarche_numero = 86321 AND champs_modifie_le > depose_le
ORDER BY champs_modifie_le DESC, numero;
