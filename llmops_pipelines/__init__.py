"""Batch evaluation and cost analytics of LLM applications: the library behind ``assets/``."""

import os

# Polars' allocator (jemalloc) gives freed pages back within half a second, and the next part of a
# log takes them again: for ten seconds they are kept. It reads this once, when Polars is imported.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000")
