"""What is compiled of Pointsman, where that is asked for: `make compiled`.

The sources are the product, and run as they are. With POINTSMAN_COMPILED in the environment, the
modules that pyproject.toml names become machine code in the wheel, beside their sources; without it
this file does nothing.
"""

import os
import tomllib
from pathlib import Path

from setuptools import Extension, setup


def extensions() -> list[Extension]:
    """The modules that are compiled, all in one library: between them calls are plain C."""
    if not os.environ.get("POINTSMAN_COMPILED"):
        return []
    from mypyc.build import mypycify

    named = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["pointsman"]["compiled"]
    return mypycify(["--config-file=pyproject.toml", *named], opt_level="2", multi_file=True)


setup(ext_modules=extensions())
