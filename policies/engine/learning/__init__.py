"""What is learned of a target from what became of its attempts."""
