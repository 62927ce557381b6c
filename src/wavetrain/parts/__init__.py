"""What members of several kinds share, one idea a file."""
