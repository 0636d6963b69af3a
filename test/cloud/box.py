"""box: a network, mount and PID namespace for a whole program. Whatever ends its first process, kill -9 too, ends all that is in it."""

import os
import subprocess
import sys

BOX = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
IN_THE_BOX = "EDCC_TEST_BOX"
# Where file systems of the box's own are mounted.
SHELTER = "/media"


def lacks(*programs):
    """What this computer lacks for a box with these programs in it; None where it has everything."""
    if os.geteuid() != 0:
        return "playing machines needs root"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for program in ("unshare", "nsenter", "ip", *programs):
        if not any(os.access(os.path.join(folder, program), os.X_OK) for folder in path.split(":")):
            return f"{program} is not installed"
    tried = subprocess.run([*BOX, "mount", "-t", "tmpfs", "none", SHELTER], capture_output=True, text=True)
    return f"namespaces are not allowed here: {tried.stderr.strip()}" if tried.returncode else None


def enter():
    """Runs this program again, from its start, in a box; returns there. The variable names a descriptor of the network outside."""
    if os.environ.get(IN_THE_BOX):
        return
    outside = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.set_inheritable(outside, True)
    os.environ[IN_THE_BOX] = str(outside)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    # A shell as the first process, since that one has to take leave of orphans.
    os.execvp(BOX[0], [*BOX, "bash", "-c", '"$@"; exit $?', "box", sys.executable, *sys.argv])
