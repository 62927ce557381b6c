"""Claims about networks of several modules."""
