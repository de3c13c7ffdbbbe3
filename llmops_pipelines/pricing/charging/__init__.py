"""Calls charged by the price book, exactly."""
