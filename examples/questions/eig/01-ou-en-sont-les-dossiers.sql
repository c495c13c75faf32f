-- Où en sont les dossiers, et qui doit agir ?
SELECT etape, attend, prochaine_etape, count(*) AS dossiers
FROM lecture_suivi
WHERE demarche_numero = 86321
GROUP BY etape, attend, prochaine_etape
ORDER BY dossiers DESC, etape;
