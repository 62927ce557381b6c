"""Local rules: a weight changes by what is before and behind it."""
