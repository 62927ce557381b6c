"""Triton kernels, one file beside each definition in `scan`; imported only where a GPU runs them."""
