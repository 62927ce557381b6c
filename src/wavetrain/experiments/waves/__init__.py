"""Claims about travelling waves."""
