"""The sandbox's GraphQL API: schema, validation of documents, resolvers and refusals."""
