"""`python -m router` is `pointsman`."""

from router.cli import main

main()
