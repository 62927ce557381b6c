"""What is to come: say how much reward there will be."""
