"""Which traces are judged, and with what probability."""

from llmops_pipelines.sampling.sample import sample_traces

__all__ = ["sample_traces"]
