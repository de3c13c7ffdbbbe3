"""A believable company's logs, deterministic, with planted events and their truth."""

from llmops_pipelines.sample_company.writing import SampleSummary, write_sample_logs

__all__ = ["SampleSummary", "write_sample_logs"]
