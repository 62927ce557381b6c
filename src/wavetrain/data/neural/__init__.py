"""Recordings from brains."""
