"""Recordings, one file each."""
