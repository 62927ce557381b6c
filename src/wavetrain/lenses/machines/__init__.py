"""Finite machines that a trained network can be read as."""
