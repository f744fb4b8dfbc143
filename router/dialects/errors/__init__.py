"""What a provider's error means: tables of lines, and the few ways to read what errors say."""
