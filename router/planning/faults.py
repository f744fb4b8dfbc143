"""What is wrong with what a plan was given: said once, with its place, and nothing is planned."""

from __future__ import annotations


class BadInput(ValueError):
    """Something that cannot be read or judged; the message says what, where, and what to do."""
