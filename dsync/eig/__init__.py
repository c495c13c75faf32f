"""The programme « Entrepreneur(e)s d'intérêt général »: its fields, pre-check, tables, views."""
