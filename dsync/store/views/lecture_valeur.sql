WITH v (vue, colonne, valeur, sens) AS (
    VALUES
        {codes}
)
SELECT
    v.vue,
    v.colonne,
    v.valeur,
    v.sens,
    now() AS modifie_ici_le
FROM v
