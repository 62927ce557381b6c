"""Recordings of brains and other things that were measured over time, as others keep them."""

from wavetrain.formats.recordings.read import read_recording

__all__ = ["read_recording"]
