"""Many sessions at once, and long ones: what a service bears, measured through its sockets."""
