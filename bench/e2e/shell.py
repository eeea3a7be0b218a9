# SPDX-License-Identifier: MIT
"""Commands, and namespaces by them."""
import contextlib
import subprocess


def run(*argv, **kwargs):
    """A command's standard output; what it said about its failure is in the exception."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **kwargs)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def ip(netns, *commands):
    """All of them by one process."""
    run("ip", "-n", netns, "-batch", "-", input="\n".join(commands) + "\n")


def inside(netns, *argv, **kwargs):
    return run("ip", "netns", "exec", netns, *argv, **kwargs)


@contextlib.contextmanager
def namespaces(*names):
    """With their loopbacks up; gone behind it, whatever happens."""
    made = []
    try:
        for name in names:
            run("ip", "netns", "add", name)
            made.append(name)
            ip(name, "link set lo up")
        yield
    finally:
        for name in reversed(made):
            run("ip", "netns", "del", name)


def works(*argv):
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
