"""A day's sample in front of its judges: quoted, capped, asked, in batches or at once."""
