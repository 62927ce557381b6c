"""What others write and read."""
