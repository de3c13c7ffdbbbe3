"""What runs by itself or at a word: nights, sensors, backfills, restatements, rollbacks."""
