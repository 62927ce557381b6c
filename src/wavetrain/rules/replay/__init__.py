"""Rules that learn what was learned before once more, while they learn what is new."""
