"""What the graph is written with: days, resources, assets of one day, jobs, staleness."""
