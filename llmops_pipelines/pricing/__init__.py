"""The dated price book and exact pricing of calls."""
