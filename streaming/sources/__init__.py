"""Where audio comes from: microphones, files, pipes. Sources know samples, never the engine."""
