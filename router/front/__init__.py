"""The client-facing HTTP listener: admits bytes, bounds them, and gives each request one answer.

It must not decide where a request goes. `exchange` is the seam that handlers know; `listener`
and what it stands on may be replaced as a whole.
"""
