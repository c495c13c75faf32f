SELECT
    d.numero,
    e.value AS etiquette,
    k.value AS couleur,
    EXISTS (
        SELECT 1
        FROM pousse AS p
        WHERE p.numero = d.numero AND p.annotation = 'label' AND p.valeur = e.value
    ) AS posee_par_dsync,
    d.demarche_numero,
    utc(d.modifie_ici_le) AS modifie_ici_le
FROM dossier AS d
CROSS JOIN texts(d.labels) AS e
LEFT JOIN (
    SELECT m.number, c.key, c.value
    FROM demarche AS m, pairs(m.couleurs) AS c
) AS k ON k.number = d.demarche_numero AND k.key = e.value
