"""Claims about recurrences, in time and in depth."""
