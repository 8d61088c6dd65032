"""A session, step by step: audio in, turns and events out. No clock, no thread, no file, no socket."""
