"""The processes under test: started on their core, watched through /proc, ended with the benchmark."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.watch import HOST, LoadFailedError

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT_SECONDS = 60
END_TIMEOUT_SECONDS = 10
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_READY_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Running:
    """A server and the processes that it started."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes, user and system."""
        return sum(_cpu_ticks(pid) for pid in self._tree()) / _TICKS_PER_SECOND

    def memory_bytes(self) -> int:
        """Return the resident memory of its biggest process: the worker."""
        return max(_status(pid, "VmRSS") for pid in self._tree()) * 1024

    def threads(self) -> int:
        """Return the number of threads of its process with the most."""
        return max(_status(pid, "Threads") for pid in self._tree())

    def _tree(self) -> list[int]:
        found = [self.pid]
        for pid in found:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found


def _cpu_ticks(pid: int) -> int:
    # The name, second in the line, may hold spaces; utime and stime are the 14th and 15th field.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int, core: int, environment: Mapping[str, str]) -> Iterator[Running]:
    """Run a command on one core until the block ends; what it prints is shown only if it fails."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            yield Running(process.pid, port)
        except Exception:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-4000:])
            raise
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command's own process group, the processes that it started included."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, ending)
            try:
                process.wait(END_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                continue


def wait_until_ready(port: int, path: str) -> None:
    """Wait until the server answers the path with 200."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if _status_code(port, path) == 200:
            return
        time.sleep(_READY_POLL_SECONDS)
    raise LoadFailedError(f"port {port} was not ready within {READY_TIMEOUT_SECONDS} s")


def wait_until_listening(port: int) -> None:
    """Wait until the server accepts connections."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(_READY_POLL_SECONDS)
    raise LoadFailedError(f"nobody listened on port {port} within {READY_TIMEOUT_SECONDS} s")


def _status_code(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
