"""Associative memories, one file each: patterns go in, and part of one brings the rest back."""
