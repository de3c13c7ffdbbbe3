"""What a provider's cache of prompt prefixes could serve."""
