"""Service health: latency, time to first token, errors, retries, refusals, format, utilisation, feedback."""
