"""Sequence layers, one file each."""
