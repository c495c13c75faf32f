SELECT
    v.numero,
    v.etabli_le,
    k.value ->> 'controle' AS controle,
    k.value ->> 'resultat' AS resultat,
    k.value ->> 'motif' AS motif,
    k.value ->> 'preuve' AS preuve
FROM verdict AS v, jsonb_array_elements(v.controles) AS k (value)
