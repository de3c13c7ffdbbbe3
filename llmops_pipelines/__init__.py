"""Batch evaluation and cost analytics of LLM applications: the library behind the graph in ``assets/``."""
