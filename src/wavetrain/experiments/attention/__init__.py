"""Claims about attention and what replaces it."""
