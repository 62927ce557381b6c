"""Ways to look at a system, one file each."""
