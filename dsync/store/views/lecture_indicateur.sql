SELECT
    i.jour,
    i.indicateur,
    i.valeur,
    i.demarche_numero
FROM indicateur AS i
