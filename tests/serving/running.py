"""A real gateway process for tests: `manage.py serve` on a free port, with a database and a routes file of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 20


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class RunningGateway:
    """One `manage.py serve`; `log()` is what it has written so far."""

    def __init__(self, folder: Path, routes: str | Path, *, port: int | None = None, **environment: str) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = f"sqlite:///{folder / 'gateway.sqlite3'}"
        if isinstance(routes, str):
            routes_file = folder / "routes.yaml"
            routes_file.write_text(routes)
        else:
            routes_file = routes
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GATEWAY_", "DJANGO_", "DATABASE_"))}
        self.environment = inherited | {
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_ROUTES": str(routes_file),
            "GATEWAY_VAR_DIR": str(folder),
            "DATABASE_URL": self.database,
            "OPENAI_API_KEY": "upstream-key-of-openai",
            "ANTHROPIC_API_KEY": "upstream-key-of-anthropic",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self._log_path = folder / "gateway.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunningGateway:
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> RunningGateway:
        """Start it and wait until it is ready."""
        self.launch()
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the gateway did not start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def launch(self, *options: str) -> None:
        """Start it with options of `serve`, and do not wait."""
        with self._log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *options], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def ready(self) -> bool:
        """Tell whether it answers that it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run another management command on the same database and return what it prints."""
        done = self.command(*arguments, **environment)
        assert done.returncode == 0, f"{arguments[0]} failed:\n{done.stderr}"
        return done.stdout

    def command(
        self, *arguments: str, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run another management command on the same database and return how it ended."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def log(self) -> str:
        """Return the log so far."""
        return self._log_path.read_text() if self._log_path.exists() else ""
