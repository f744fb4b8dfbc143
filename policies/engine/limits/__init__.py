"""What may be sent, and what it may cost: arithmetic that knows no course."""
