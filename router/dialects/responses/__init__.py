"""OpenAI's Responses: answers that are lists of items, streamed as events, and may be kept."""
