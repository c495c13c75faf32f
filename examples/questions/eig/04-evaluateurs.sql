-- Les évaluatrices et évaluateurs sont-ils d’accord ?
SELECT jury_le, numero, rang, moment, nb_evaluateurs, nb_incompletes, note_moyenne, ecart_evaluateurs
FROM lecture_jury_dossier
WHERE demarche_numero = 86321 AND presence = 'present'
ORDER BY jury_le, rang IS NULL, rang, numero;
