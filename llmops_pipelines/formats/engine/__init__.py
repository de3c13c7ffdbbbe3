"""Raw lines to canonical rows, as a reading places their fields, whatever the format."""
