"""Logs into the lake: pulled, landed, redacted, and let go when they are old."""
