SELECT
    v.numero,
    v.verdict,
    coalesce(json(m.avis) ->> v.verdict, v.verdict) AS avis,
    v.detail,
    utc(v.etabli_le) AS etabli_le,
    v.version_regles,
    v.courant,
    v.remarque,
    v.demarche_numero
FROM verdict AS v
LEFT JOIN demarche AS m ON m.number = v.demarche_numero
