SELECT
    v.numero,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.etabli_le) AS etabli_le,
    json_extract(k.value, '$.controle') AS controle,
    json_extract(k.value, '$.resultat') AS resultat,
    json_extract(k.value, '$.motif') AS motif,
    json_extract(k.value, '$.preuve') AS preuve
FROM verdict AS v, json_each(v.controles) AS k
