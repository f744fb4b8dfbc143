"""What the engine shows of itself: views, words, records."""
