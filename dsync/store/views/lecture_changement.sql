SELECT
    c.numero,
    c.origine,
    c.champ_id,
    c.libelle,
    c.ligne,
    c.ancienne_valeur,
    c.nouvelle_valeur,
    utc(c.constate_le) AS constate_le,
    utc(c.modifie_le) AS modifie_le,
    c.apres_depot,
    c.par,
    c.id AS ordre,
    c.demarche_numero
FROM changement AS c
