"""What was felt."""
