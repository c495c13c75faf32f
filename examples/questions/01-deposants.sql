-- Qui dépose ?
SELECT numero, coalesce(raison_sociale, demandeur_prenom || ' ' || demandeur_nom) AS demandeur,
       usager_courriel, mandataire_nom
FROM lecture_dossier
WHERE demarche_numero = 86321 AND presence = 'present'
ORDER BY numero DESC
LIMIT 5;
