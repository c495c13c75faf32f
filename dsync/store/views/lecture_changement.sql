SELECT
    {columns}
FROM changement AS c
