-- Quels profils sont demandés en premier ?
SELECT profil, count(*) AS souhaits
FROM formulaire_86321_profils_souhaites
WHERE ordre_de_preference = 1
GROUP BY profil
ORDER BY souhaits DESC, profil;
