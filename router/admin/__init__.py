"""What operators see: status, explanations, metrics, on a listener of their own."""
