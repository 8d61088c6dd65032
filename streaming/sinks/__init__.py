"""Where events go: the terminal, files, tables, pictures. Sinks know events, never the engine."""
