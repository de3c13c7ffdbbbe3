"""Intervals and comparisons: the numbers we dare to show."""
