"""Batch evaluation and cost analytics of LLM applications: the library behind ``assets/``."""
