"""Who waits for a place, whose turn it is, and for how long."""
