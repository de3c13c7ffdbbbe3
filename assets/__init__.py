"""The graph: what is computed, one file per group, in data-flow order."""
