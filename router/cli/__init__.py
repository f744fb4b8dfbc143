"""The command line. `main` is what the `pointsman` command runs; what a command needs is
imported when it runs.
"""

from router.cli.commands import main

__all__ = ["main"]
