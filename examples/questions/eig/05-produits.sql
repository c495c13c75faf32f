-- Quels produits, de quels incubateurs, dans quelle phase ?
SELECT c.numero, c.produit_nom, p.incubateur, p.phase, p.phase_depuis
FROM lecture_candidature AS c
JOIN lecture_produit AS p ON p.produit_id = c.produit_id
WHERE c.demarche_numero = 86321 AND c.presence = 'present'
ORDER BY c.numero
LIMIT 5;
