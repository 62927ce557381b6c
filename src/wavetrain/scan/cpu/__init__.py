"""The fused kernels of scan on CPU, compiled by numba: one file per recurrence."""
