-- Quels dossiers attendent depuis le plus longtemps ?
SELECT numero, etape, attend, etape_depuis
FROM lecture_suivi
WHERE demarche_numero = 86321 AND attend <> 'personne'
ORDER BY etape_depuis  -- ne bouge pas, jours_dans_etape si
LIMIT 5;
