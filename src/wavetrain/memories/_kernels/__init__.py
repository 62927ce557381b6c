"""The fused kernels of temporal memory, which is no recurrence of scan."""
