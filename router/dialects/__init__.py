"""Wire formats, sans-I/O: bytes to meaning and back. Nothing here opens a socket or reads a
clock.
"""
