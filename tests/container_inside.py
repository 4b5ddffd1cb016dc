"""Runs as root in namespaces of its own: the page as the Dockerfile starts it, on a read-only root.

unshare --net --mount python container_inside.py FOLDER SCRATCH HEALTH COMMAND...
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

folder, scratch, health, *command = sys.argv[1:]

with socket.socket() as probe:  # a network of its own starts with its loopback down
    request = struct.pack("16sh22x", b"lo", 1)
    fcntl.ioctl(probe, 0x8914, request)  # SIOCSIFFLAGS, IFF_UP

Path(scratch).mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", scratch], check=True)
for python in map(Path, (sys.base_prefix, sys.prefix)):  # which may lie where nobody may look
    for locked in (above for above in python.parents if not above.stat().st_mode & 1):
        layers = [Path(scratch, f"{name}{locked.name}") for name in ("upper", "work")]
        for layer in layers:
            layer.mkdir(parents=True)
        options = f"lowerdir={locked},upperdir={layers[0]},workdir={layers[1]}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", locked], check=True)
        locked.chmod(0o755)
subprocess.run(["mount", "-o", "remount,bind,ro", "/"], check=True)

os.environ |= {"HOME": scratch, "TMPDIR": scratch}
nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
nobody += ["--inh-caps=-all", "--bounding-set=-all"]
page = subprocess.Popen([*nobody, sys.executable, *command[1:]], cwd=folder)
try:
    while subprocess.run([sys.executable, "-c", health], stderr=subprocess.DEVNULL).returncode:
        assert page.poll() is None, f"the page ended with {page.returncode}"
        time.sleep(1)
    from gradio_client import Client, handle_file  # which wants TMPDIR

    client = Client("http://127.0.0.1:7860/", verbose=False, download_files=scratch)
    verdicts, _ = client.predict(handle_file("film.png"), api_name="/predict")
    print(*sorted(verdicts["models"]))
finally:
    page.terminate()
    print("ended with", page.wait())
