"""Changed files to landed rows, part by part, and the index that vouches for them."""
