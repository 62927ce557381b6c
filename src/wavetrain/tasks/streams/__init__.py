"""Streams that never end or that change."""
