"""What shorter prompts would save, and what they would lose."""
