"""One published claim per file."""
