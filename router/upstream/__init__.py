"""Transports: how bytes reach a provider and come back. Nothing here retries or chooses."""
