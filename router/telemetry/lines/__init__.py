"""Decisions as lines of JSON: what one says, who writes them to files, and who reads them back."""
