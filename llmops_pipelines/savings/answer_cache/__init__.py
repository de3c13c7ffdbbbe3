"""What a cache of answers would save, and how often it would err."""
