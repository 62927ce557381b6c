"""Formal languages, arithmetic and programs."""
