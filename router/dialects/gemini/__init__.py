"""Google's dialect, of the Gemini API and of Vertex AI: answers to messages, embeddings."""
