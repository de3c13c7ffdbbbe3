"""Log formats: one file each, from bytes to canonical rows; sniffing and the registry."""
