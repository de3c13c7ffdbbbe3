"""Replays over the log: what the same calls would have cost."""
