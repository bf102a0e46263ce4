"""The load generator of benches/load: what it measured, as a dictionary."""

import json
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent / "load"
PROGRAM = HERE / "target/release/load"


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=HERE, check=True, env=own_target())


def own_target():
    return {k: v for k, v in os.environ.items() if k != "CARGO_TARGET_DIR"}


def load(mode, server, paths, connections, seconds=None, rate=None):
    """`once`, `loop` or `open`; rates are answers a second, latencies milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()
        command = [PROGRAM, mode, server.host, file.name, str(connections)]
        command += [str(v) for v in (seconds, rate) if v is not None]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answer = json.loads(out)
    if answer["failed"] or answer["refused"]:
        print(f"    {mode} of {len(paths)}: {answer['failed']} failed, {answer['refused']} refused")
    return answer
