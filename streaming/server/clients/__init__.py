"""The other end: programs that publish audio, follow events and tell sessions things."""
