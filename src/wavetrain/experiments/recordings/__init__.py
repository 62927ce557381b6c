"""Rhythms, waves and sequences in recordings from brains, and what finds them."""
