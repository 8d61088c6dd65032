"""What goes on: sessions computed in rounds, kept on disk, read by many."""
