SELECT
    {columns}
FROM colonne AS c
LEFT JOIN (
    SELECT
        m.number,
        o.value ->> 'vue' AS vue,
        o.value ->> 'colonne' AS colonne,
        o.value ->> 'origine' AS origine,
        o.value ->> 'champ_id' AS champ_id
    FROM demarche AS m, elements(m.origines) AS o
) AS k ON k.vue = c.vue AND k.colonne = c.colonne
