from pathlib import Path

import pytest

from baton.stack import toolchain
from baton.stack.toolchain import ToolMissing, find_java, java_version


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the whole path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("no version at all", 0),
    ],
)
def test_version_is_read_from_what_java_says(programs: Path, says: str, version: int) -> None:
    java = fake(programs / "java", says)

    assert java_version(str(java)) == version


def test_java_that_is_too_old_is_not_used(programs: Path) -> None:
    fake(programs / "java", 'openjdk version "11.0.2"')

    assert find_java() is None


def test_missing_java_is_one_readable_line(programs: Path) -> None:
    with pytest.raises(ToolMissing) as missing:
        toolchain.ensure_toolchain(lambda line: None)

    assert str(missing.value) == (
        "Java 17 or newer is missing; install it and try again: apt install openjdk-17-jre-headless"
        " | dnf install java-21-openjdk-headless | pacman -S jre21-openjdk-headless"
    )


def test_nobody_but_root_has_anything_installed(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    script(programs / "apt-get", f"touch {programs}/was-asked")

    with pytest.raises(ToolMissing, match="Java 17 or newer is missing; install it"):
        toolchain.ensure_toolchain(lambda line: None)

    assert not (programs / "was-asked").exists()


def test_what_apt_says_is_told_when_it_fails(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    script(programs / "apt-get", "echo 'W: old' >&2; echo 'E: Unable to locate package' >&2; exit 100")

    with pytest.raises(ToolMissing) as missing:
        toolchain.ensure_toolchain(lambda line: None)

    assert str(missing.value) == (
        "Java 17 or newer is missing and apt-get could not install it: E: Unable to locate package"
    )


def test_python_without_venv_is_one_readable_line(programs: Path) -> None:
    python = script(programs / "python3", "exit 1")

    with pytest.raises(ToolMissing) as missing:
        toolchain.ensure_venv(lambda line: None, python=str(python))

    assert str(missing.value) == (
        "venv for Python is missing; install it and try again:"
        " apt install python3-venv | dnf install python3 | pacman -S python"
    )


def test_root_has_venv_installed_and_is_told_before(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    python = script(programs / "python3", f"[ -e {programs}/installed ]")
    script(programs / "apt-get", f'case "$*" in *python3-venv) : > {programs}/installed ;; esac')
    said: list[str] = []

    toolchain.ensure_venv(said.append, python=str(python))

    assert said == ["installing venv for Python: apt-get install python3-venv (about 5 MB)"]


def test_present_tools_are_found_without_installing(programs: Path) -> None:
    java = fake(programs / "java", 'openjdk version "17.0.15"')
    maven = fake(programs / "mvn", "")
    said: list[str] = []

    tools = toolchain.ensure_toolchain(said.append)

    assert (tools.java, tools.maven) == (str(java), str(maven))
    assert said == []


def test_root_installs_what_is_missing(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    apt = programs / "apt-get"
    apt.write_text(INSTALLER.format(folder=programs))
    apt.chmod(0o755)
    said: list[str] = []

    tools = toolchain.ensure_toolchain(said.append)

    assert (tools.java, tools.maven) == (str(programs / "java"), str(programs / "mvn"))
    assert said == [
        "installing Java 17 or newer: apt-get install openjdk-17-jre-headless (about 210 MB)",
        "installing Maven: apt-get install maven (about 12 MB)",
    ]


def test_package_that_a_release_lacks_is_replaced_by_the_next(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    apt = programs / "apt-get"
    apt.write_text(INSTALLER.format(folder=programs).replace("openjdk-17", "openjdk-21"))
    apt.chmod(0o755)

    tools = toolchain.ensure_toolchain(lambda line: None)

    assert tools.java == str(programs / "java")


#: Stands for apt-get: knows two packages.
INSTALLER = """#!/bin/sh
make() {{
  printf '#!/bin/sh\\necho "openjdk version \\\\"17.0.1\\\\"" >&2\\n' > {folder}/$1
  /bin/chmod 755 {folder}/$1
}}
for word in "$@"; do
  case "$word" in
    openjdk-17-jre-headless) make java ;;
    maven) make mvn ;;
  esac
done
"""


def fake(path: Path, says: str) -> Path:
    return script(path, f"echo '{says}' >&2")


def script(path: Path, does: str) -> Path:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path
