"""A day's landed rows to its calls, steps and feedback: each call once, whole."""
