"""Commands that judge, quote and wait for judges."""
