SELECT
    i.jour,
    i.indicateur,
    i.valeur
FROM indicateur AS i
