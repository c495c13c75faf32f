SELECT
    {columns}
FROM outbox AS o
