"""Our layers in the training loops of others."""
