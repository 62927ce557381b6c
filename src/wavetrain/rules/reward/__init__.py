"""Rules that learn from rewards: what is to come, and how likely."""
