"""Layers that carry the past as a travelling wave."""
