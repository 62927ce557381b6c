"""Layers that look at every step so far, or at sums over them."""
