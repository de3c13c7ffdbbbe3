"""What people see of it all: key figures, charts, the nightly page."""
