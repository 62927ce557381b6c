"""What a layer mixes into what."""
