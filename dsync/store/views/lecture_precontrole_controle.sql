SELECT
    v.numero,
    utc(v.etabli_le) AS etabli_le,
    k.value ->> 'controle' AS controle,
    k.value ->> 'resultat' AS resultat,
    k.value ->> 'motif' AS motif,
    k.value ->> 'preuve' AS preuve,
    v.courant,
    v.demarche_numero
FROM verdict AS v, elements(v.controles) AS k
