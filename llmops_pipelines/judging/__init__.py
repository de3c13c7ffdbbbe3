"""Rubrics, judge specs, the embedded scorers, the judgement ledger and the purse."""
