SELECT
    r.version,
    utc(r.depuis_le) AS depuis_le,
    r.revision,
    r.regles,
    r.derogations,
    r.listes,
    r.categories,
    r.champs_attendus,
    r.controles,
    r.phrases
FROM regle AS r
