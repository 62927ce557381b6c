"""Classes of spikes that differ in when the spikes come, and not in how many there are."""
