"""Asking: pace, retries, money and canaries, at once or in batches."""
