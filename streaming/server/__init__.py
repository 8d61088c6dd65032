"""The service: audio in and events out over websockets, kept on disk, for many sessions at once."""
