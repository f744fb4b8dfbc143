"""One key, one answer: a request that a client sends again is not made again."""
