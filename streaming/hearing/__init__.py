"""Audio to atoms: ring, windows, curves, cuts, frames and vectors. What is heard, not yet who it was."""
