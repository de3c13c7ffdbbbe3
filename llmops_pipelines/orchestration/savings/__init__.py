"""Replays of the last days over the lake."""
