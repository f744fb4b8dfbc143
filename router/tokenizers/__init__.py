"""Counting with the tokenizers that targets name, for who has installed the extra `tokens`."""
