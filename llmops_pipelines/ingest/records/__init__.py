"""Usage and prompts of records by themselves, for whoever needs no calls."""
