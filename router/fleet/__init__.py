"""What instances tell each other through the server they share, and what happens without it."""
