"""Sequence layers, one file each, in groups by how they carry the past."""
