"""Which traces are judged, and with what probability."""
