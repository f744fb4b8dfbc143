"""Cheap first, dear when the answer does not pass: whether that pays, and whether it may be trusted."""
