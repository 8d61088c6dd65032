"""What the two ends of a socket say to each other. No socket, no clock."""
