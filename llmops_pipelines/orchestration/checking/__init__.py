"""What is wrong with tables, prices, names and the set-up."""
