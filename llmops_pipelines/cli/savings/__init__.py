"""Commands that replay a saving on a file."""
