"""How good, how early, how steady: scores from a reference and the event log alone."""
