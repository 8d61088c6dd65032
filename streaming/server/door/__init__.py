"""Who comes in: sockets, tokens and tickets, the page, and those who talk with the server."""
