"""Claims about state spaces."""
