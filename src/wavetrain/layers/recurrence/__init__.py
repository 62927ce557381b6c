"""Recurrent layers without gates."""
