"""Claims about associative memories."""
