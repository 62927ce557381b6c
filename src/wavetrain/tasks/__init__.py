"""Things to learn that are generated, one file each."""
