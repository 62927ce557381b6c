"""What units say of a place."""
