"""People across sessions: voice prints of recordings, and where they are kept."""
