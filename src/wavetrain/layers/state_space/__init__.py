"""Linear recurrences from state spaces, some of them selective."""
