"""Dagster apart from the graph: partitions, lake, resources, schedules, sensors."""
