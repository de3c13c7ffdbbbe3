"""The prompt registry: versions, active label, rollback."""
