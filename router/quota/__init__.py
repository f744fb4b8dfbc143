"""Limits that several instances keep together, in one place that all of them ask."""
