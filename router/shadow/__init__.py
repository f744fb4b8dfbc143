"""A share of requests is asked of another target as well, off their path: what it would be like if
that one answered. Nobody gets its answers, and nothing is kept of them but what they come to.
"""

from router.shadow.judged import Judge, Judged, Said

__all__ = ["Judge", "Judged", "Said"]
