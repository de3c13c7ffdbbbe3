"""Exact near-duplicate joins over unit vectors."""
