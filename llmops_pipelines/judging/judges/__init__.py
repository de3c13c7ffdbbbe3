"""Judges as they are known before anything is paid: rubrics, items, prompts, replies, quotes."""
