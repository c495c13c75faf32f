SELECT
    {columns}
FROM dossier AS d
LEFT JOIN candidature AS c ON c.numero = d.numero
LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant
LEFT JOIN contenu AS t ON t.numero = d.numero
LEFT JOIN produit AS p ON p.id = c.produit_id
