"""Addresses as a command line takes them."""

from __future__ import annotations

from router.config import Address
from router.front.guard import split_address


def address(text: str, option: str) -> Address:
    """`host:port`, `:port` or `port`. Raises ValueError."""
    host, port = split_address(text if ":" in text else f":{text}")
    if not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ValueError(f"{option} {text}: write host:port, such as 127.0.0.1:8080")
    return Address(host or "127.0.0.1", int(port))
