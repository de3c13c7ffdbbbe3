"""A believable company's logs, deterministic, with planted events and their truth."""
