SELECT
    {columns}
FROM quarantaine AS q
UNION ALL
SELECT
    CAST(NULL AS bigint) AS numero,
    'suppression_massive' AS code,
    s.mass_deletion_count || ' dossiers sur ' || s.mass_deletion_of
    || ' ont été masqués ou supprimés d’un coup par Démarches Simplifiées ; ces suppressions sont suivies.' AS message,
    utc(r.debut) AS depuis,
    1 AS tentatives,
    s.demarche_numero,
    CASE WHEN r.fin IS NULL THEN now() ELSE utc(r.fin) END AS modifie_ici_le
FROM sync_state AS s
JOIN sync_run AS r ON r.run = s.mass_deletion_run
UNION ALL
SELECT
    CAST(NULL AS bigint) AS numero,
    'accord_attendu' AS code,
    {accords} || ' Une personne doit corriger la cause ou donner son accord.' AS message,
    utc(a.depuis_le) AS depuis,
    1 AS tentatives,
    a.demarche_numero,
    utc(a.depuis_le) AS modifie_ici_le
FROM accord AS a
WHERE a.donne_le IS NULL
