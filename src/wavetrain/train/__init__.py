"""Training: one loop, where a run lives, learning from a stream."""
