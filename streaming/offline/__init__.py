"""The whole recording first, then who it was: what a session could say if nothing had to be said before."""
