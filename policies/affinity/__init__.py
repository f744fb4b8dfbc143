"""What is known of prompt caches: where a prefix is warm, what that is worth."""
