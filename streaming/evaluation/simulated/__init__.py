"""Long meetings made on demand: planned, rendered as audio, or arranged from what the models made of it."""
