"""What a figure rests on: the code that measured it."""
