"""OpenAI's dialect: chat completions, completions of a text, embeddings."""
