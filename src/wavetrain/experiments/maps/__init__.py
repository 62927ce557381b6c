"""Claims about cognitive maps."""
