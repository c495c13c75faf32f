SELECT
    q.numero,
    q.code,
    q.message,
    utc(q.depuis) AS depuis,
    q.tentatives,
    q.demarche_numero
FROM quarantaine AS q
UNION ALL
SELECT
    CAST(NULL AS bigint) AS numero,
    'suppression_massive' AS code,
    s.mass_deletion_count || ' dossiers sur ' || s.mass_deletion_of
    || ' ont été masqués ou supprimés d’un coup par Démarches Simplifiées ; ces suppressions sont suivies.' AS message,
    utc(r.debut) AS depuis,
    1 AS tentatives,
    s.demarche_numero
FROM sync_state AS s
JOIN sync_run AS r ON r.run = s.mass_deletion_run
UNION ALL
SELECT
    CAST(NULL AS bigint) AS numero,
    'regles_changees' AS code,
    'Les règles ont changé et feraient changer trop de verdicts : elles ne sont pas appliquées, et '
        || 'rien n’est jugé ni inscrit tant que personne ne les accepte.' AS message,
    utc(s.refused_rules_since) AS depuis,
    1 AS tentatives,
    s.demarche_numero
FROM sync_state AS s
WHERE s.refused_rules_since IS NOT NULL
