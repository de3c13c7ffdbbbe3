"""What a router would save, and lose, by the difficulty of questions."""
