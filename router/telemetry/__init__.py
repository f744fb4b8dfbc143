"""What the router tells of itself. Nothing here may fail or slow a request."""
