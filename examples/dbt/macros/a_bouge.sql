{# Les dossiers qui ont bougé depuis le chargement précédent, moins une heure : une transaction longue
   finit après l’instant qu’elle inscrit. Une fois par semaine, `dbt build --full-refresh`. #}
{% macro a_bouge(modifie_ici_le) -%}
{% if is_incremental() -%}
WHERE {{ modifie_ici_le }} >= (
    SELECT coalesce(max(modifie_ici_le), '-infinity') - interval '1 hour' FROM {{ this }}
)
{%- endif %}
{%- endmacro %}
