"""What is known of models that their file does not say: context and price, from a price list."""
