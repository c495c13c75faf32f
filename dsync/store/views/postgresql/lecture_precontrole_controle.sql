SELECT
    v.numero,
    v.etabli_le,
    k.controle,
    k.resultat,
    k.motif,
    k.preuve
FROM verdict AS v, json_to_recordset(v.controles::json) AS k (controle text, resultat text, motif text, preuve text)
