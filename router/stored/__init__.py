"""What providers keep of what they made, and who is asked for it."""
