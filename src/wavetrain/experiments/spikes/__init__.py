"""Networks of spiking neurons: what they do by themselves, and what they learn."""
