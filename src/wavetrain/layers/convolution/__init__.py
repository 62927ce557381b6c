"""Layers that convolve over time."""
