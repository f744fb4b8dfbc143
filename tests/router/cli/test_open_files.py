"""As many connections as the machine allows, whatever the shell said."""

import resource
import subprocess
import sys

ASK = (
    "import resource; from router.cli.serving import open_files; open_files(); "
    "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
)


def test_the_shells_limit_of_open_files_is_raised_as_far_as_it_may() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))

    told = subprocess.run(
        [sys.executable, "-c", ASK], preexec_fn=lower, capture_output=True, check=True, text=True
    )
    assert int(told.stdout) > 64
