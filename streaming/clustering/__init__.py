"""Who it was: atoms to speakers, as they come and once more when more is known."""
