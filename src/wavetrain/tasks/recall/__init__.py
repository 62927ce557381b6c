"""Say again, later, what was seen."""
