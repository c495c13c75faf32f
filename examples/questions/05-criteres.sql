-- Quels critères empêchent « Éligible » ?
SELECT controle, resultat, count(*) AS dossiers
FROM lecture_precontrole_controle
WHERE demarche_numero = 86321 AND courant AND resultat NOT IN ('conforme', 'sans_objet')
GROUP BY controle, resultat
ORDER BY dossiers DESC, controle, resultat;
