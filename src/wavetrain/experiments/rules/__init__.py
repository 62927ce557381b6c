"""Claims about ways to learn."""
