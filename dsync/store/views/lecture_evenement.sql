SELECT
    {columns}
FROM evenement AS e
