"""Data of one's own: read, checked, split and scaled. `wavetrain.tables.load` is the way in."""
