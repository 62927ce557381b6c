"""Ways to learn, one file each."""
