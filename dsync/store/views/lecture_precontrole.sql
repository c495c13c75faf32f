SELECT
    v.numero,
    v.verdict,
    v.detail,
    utc(v.etabli_le) AS etabli_le,
    v.version_regles,
    v.courant,
    v.remarque,
    v.demarche_numero
FROM verdict AS v
