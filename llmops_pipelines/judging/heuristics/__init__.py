"""Scores without a model: support, refusal, format, utilisation, evidence."""
