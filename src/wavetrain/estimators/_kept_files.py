"""What the file of a kept model is called, by its kind: to ask for it, nothing else is imported."""

MODEL, DETECTOR, SEQUENCES = "model.safetensors", "detector.safetensors", "sequences.safetensors"
