"""The service: everything that touches a socket, a file or a clock."""
