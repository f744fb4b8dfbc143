"""The common form: what is said between a client and a provider who speak different dialects."""
