"""Data of one's own: read, checked, split and scaled. `wavetrain.load` is the way in."""
