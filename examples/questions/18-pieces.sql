-- Combien de pièces jointes, de quels types ?
SELECT p.type_mime, count(*) AS pieces, count(DISTINCT p.numero) AS dossiers
FROM lecture_piece AS p
JOIN lecture_dossier AS d ON d.numero = p.numero
WHERE d.demarche_numero = 86321 AND d.presence = 'present'
GROUP BY p.type_mime
ORDER BY pieces DESC, p.type_mime;
