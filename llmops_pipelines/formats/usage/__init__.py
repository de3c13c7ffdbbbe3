"""Token counts as providers, tools and client libraries spell them."""
