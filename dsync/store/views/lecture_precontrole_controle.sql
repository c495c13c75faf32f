SELECT
    {columns}
FROM verdict AS v, elements(v.controles) AS k
