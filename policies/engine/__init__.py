"""The decision engine: pure and synchronous; what was learned, who can serve, the course of a
request.
"""
