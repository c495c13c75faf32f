"""The programme « Entrepreneur(e)s d'intérêt général »: its fields, its pre-check, its views."""
