SELECT
    {columns}
FROM indicateur AS i
