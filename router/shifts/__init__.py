"""Traffic moves from a route's targets to others: in steps, watched, and back where it hurts."""
