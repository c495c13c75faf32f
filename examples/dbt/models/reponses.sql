-- Une ligne par réponse. Toute autre vue se charge ainsi : la jointure externe garde une ligne du
-- dossier qui n’en a plus aucune, pour que les anciennes partent.
SELECT d.numero, d.modifie_ici_le, c.champ_id, c.ligne, c.libelle, c.type, c.valeur
FROM {{ source('dsync', 'lecture_dossier') }} AS d
LEFT JOIN {{ source('dsync', 'lecture_champ') }} AS c ON c.numero = d.numero AND c.origine = 'champ'
{{ a_bouge('d.modifie_ici_le') }}
