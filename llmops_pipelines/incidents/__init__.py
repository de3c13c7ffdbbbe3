"""Rules, alert states, and the decision to roll a prompt back."""
