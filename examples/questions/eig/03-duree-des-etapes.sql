-- Combien de temps dure chaque étape ?
SELECT etape, count(*) AS passages, round(CAST(min(jours) AS numeric), 1) AS mini,
       round(CAST(max(jours) AS numeric), 1) AS maxi
FROM lecture_etape
WHERE demarche_numero = 86321 AND au IS NOT NULL  -- les étapes terminées
GROUP BY etape
ORDER BY maxi DESC;
