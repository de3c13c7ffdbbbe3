"""A file of samples in front of judges, outside of any night."""
