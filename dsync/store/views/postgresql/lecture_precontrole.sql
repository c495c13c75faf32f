SELECT
    v.numero,
    v.verdict,
    v.detail,
    v.etabli_le,
    v.version_regles,
    v.courant,
    v.remarque
FROM verdict AS v
