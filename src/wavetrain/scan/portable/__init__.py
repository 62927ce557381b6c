"""Parallel forms in plain PyTorch, for devices without a kernel: few operations in place of one a step."""
