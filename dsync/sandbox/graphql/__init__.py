"""The API: its schema, its documents, how fields are answered and requests refused."""
