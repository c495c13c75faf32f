"""The client of DS's GraphQL API. No other package sends requests to DS or uses GraphQL."""
