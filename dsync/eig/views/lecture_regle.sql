SELECT
    {columns}
FROM regle AS r
