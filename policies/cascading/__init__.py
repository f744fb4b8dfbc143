"""Cheap first, dear when the answer does not pass: whether it pays, and whether to trust it."""
