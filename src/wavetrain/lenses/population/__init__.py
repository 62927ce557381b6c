"""What a population of units holds together."""
