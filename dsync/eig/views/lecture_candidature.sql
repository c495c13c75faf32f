SELECT
    {columns}
FROM lecture_dossier AS d
LEFT JOIN candidature AS c ON c.numero = d.numero
LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant
LEFT JOIN produit AS p ON p.id = c.produit_id
