-- Du dépôt à la décision, par mois de dépôt.
{{ config(materialized='table') }}
SELECT demarche_numero, depot_mois, count(*) AS deposes, count(traite_le) AS decides,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM traite_le - depose_le) / 86400)
           AS mediane_jours
FROM {{ ref('dossiers') }}
GROUP BY demarche_numero, depot_mois
