"""How activity and gradients move through time."""
