"""What units say of a place, and how rhythms and waves lie over channels."""
