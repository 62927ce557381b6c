"""Layers of spiking neurons, one file each: what they carry are potentials, and what they send are spikes."""
