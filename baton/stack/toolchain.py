"""What has to be there before Baton is: venv, a JRE and Maven; found or, as root on Debian and Ubuntu, installed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

JAVA_AT_LEAST = 17
PYTHON_NAME = f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Tool:
    """A program, and the package that brings it on systems that are known to have one."""

    name: str
    #: the first that a release knows is taken
    apt: tuple[str, ...]
    dnf: str
    pacman: str
    #: on the disk, with all that the package needs
    megabytes: int

    def how_to_install(self) -> str:
        """Say it for the usual package managers."""
        return f"apt install {self.apt[0]} | dnf install {self.dnf} | pacman -S {self.pacman}"


JAVA = Tool(
    name=f"Java {JAVA_AT_LEAST} or newer",
    # the newest releases of Debian and Ubuntu have dropped the older of the two
    apt=("openjdk-17-jre-headless", "openjdk-21-jre-headless"),
    dnf="java-21-openjdk-headless",
    pacman="jre21-openjdk-headless",
    megabytes=210,
)
MAVEN = Tool(name="Maven", apt=("maven",), dnf="maven", pacman="maven", megabytes=12)
VENV = Tool(
    name="venv for Python", apt=("python3-venv", f"{PYTHON_NAME}-venv"), dnf="python3", pacman="python", megabytes=5
)


class ToolMissing(Exception):
    """A program the stack needs is missing and could not be installed."""


@dataclass(frozen=True)
class Toolchain:
    """The programs that run the broker and the registry and fetch their files."""

    java: str
    maven: str


def leaving_nothing_behind(temporary: Path) -> tuple[str, ...]:
    """Return the options of a Java program that keep every file of it inside the stack's own folder."""
    return (f"-Djava.io.tmpdir={temporary}", "-XX:-UsePerfData")


def find_java() -> str | None:
    """Find a Java that is new enough: JAVA_HOME first, then the path."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    candidates += [found] if (found := shutil.which("java")) else []
    return next((java for java in candidates if java_version(java) >= JAVA_AT_LEAST), None)


def java_version(java: str) -> int:
    """Ask a Java for its major version; 0 when it does not answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(match.group(1)) if match else 0


def find_maven() -> str | None:
    """Find Maven on the path."""
    return shutil.which("mvn")


def ensure_toolchain(tell: Callable[[str], None]) -> Toolchain:
    """Find Java and Maven, installing what is missing where that is possible.

    Raises:
        ToolMissing: with one readable line.
    """
    java = find_java() or _installed(JAVA, find_java, tell)
    maven = find_maven() or _installed(MAVEN, find_maven, tell)
    return Toolchain(java=java, maven=maven)


def ensure_venv(tell: Callable[[str], None], *, python: str = sys.executable) -> None:
    """See to it that a Python can make virtual environments.

    Raises:
        ToolMissing: with one readable line.
    """

    def find() -> str | None:
        asked = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
        return python if asked.returncode == 0 else None

    if find() is None:
        _installed(VENV, find, tell)


def _installed(tool: Tool, find: Callable[[], str | None], tell: Callable[[str], None]) -> str:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise ToolMissing(f"{tool.name} is missing; install it and try again: {tool.how_to_install()}")
    said = _apt(apt, "update")
    for package in tool.apt:
        tell(f"installing {tool.name}: apt-get install {package} (about {tool.megabytes} MB)")
        said = _apt(apt, "install", "-y", "--no-install-recommends", package) or said
        if found := find():
            return found
    raise ToolMissing(f"{tool.name} is missing and apt-get could not install it: {said or 'it gave no reason'}")


def _apt(apt: str, *arguments: str) -> str:
    """Run it quietly, and return the last line of its complaints."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run([apt, "-qq", *arguments], env=quiet, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
