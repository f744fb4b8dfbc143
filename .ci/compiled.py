"""Makes a wheel in which the way of a request is machine code: `.ci/compiled.py FOLDER`, from the
root of the sources.

The sources are the product, and run as they are: the wheel has them as well, and beside them, as
mypyc makes them, the modules that pyproject.toml names. Needs a C compiler.
"""

import sys
import tomllib
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Extension, setup


def extensions() -> list[Extension]:
    """The modules that are compiled, all in one library: between them calls are plain C."""
    named = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["pointsman"]["compiled"]
    return mypycify(["--config-file=pyproject.toml", *named], opt_level="2", multi_file=True)


setup(ext_modules=extensions(), script_args=["--quiet", "bdist_wheel", "--dist-dir", sys.argv[1]])
