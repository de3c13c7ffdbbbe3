"""Commands about logs: previewed, pulled, forgotten."""
