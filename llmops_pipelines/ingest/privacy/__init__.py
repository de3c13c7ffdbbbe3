"""What may be kept of what was logged: redaction, hidden ids, policies, the forgotten."""
