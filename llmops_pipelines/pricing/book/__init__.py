"""The dated price book: what a model costs when, and as it was believed when."""
