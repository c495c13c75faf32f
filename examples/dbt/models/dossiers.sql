-- Une ligne par dossier, tel qu’il est ; un dossier supprimé y reste, sans son contenu.
SELECT numero, demarche_numero, appel, etat, presence, region_nom, depose_le, depot_mois, traite_le,
       modifie_ici_le
FROM {{ source('dsync', 'lecture_dossier') }}
{{ a_bouge('modifie_ici_le') }}
