from dataclasses import replace
from pathlib import Path

from baton.stack.kafka import Broker
from baton.stack.paths import StackHome
from baton.stack.postgres import DURABLE, Database


def database(folder: Path) -> Database:
    return Database(programs=Path("/programs"), folder=folder, log=folder / "postgres.log", port=15432, environment={})


def broker(folder: Path) -> Broker:
    return Broker(
        java="java",
        jars=Path("/jars"),
        data=folder,
        log=folder / "kafka.log",
        port=19092,
        controller_port=19093,
        temporary=Path("/tmp-of-the-stack"),
        environment={},
    )


def test_database_log_never_shows_statements(tmp_path: Path) -> None:
    settings = database(tmp_path).render_settings().splitlines()

    assert "log_statement = 'none'" in settings
    assert "log_min_error_statement = 'panic'" in settings
    assert "log_error_verbosity = 'terse'" in settings


def test_durability_is_fixed_where_no_settings_file_can_change_it(tmp_path: Path) -> None:
    arguments = database(tmp_path).part().command.arguments

    assert all(f"{setting}=on" in arguments for setting in DURABLE)


def test_database_listens_on_this_machine_only(tmp_path: Path) -> None:
    assert "listen_addresses = '127.0.0.1'" in database(tmp_path).render_settings().splitlines()


def test_database_opens_no_socket_file_whose_path_could_be_too_long(tmp_path: Path) -> None:
    assert "unix_socket_directories = ''" in database(tmp_path).render_settings().splitlines()


def test_address_carries_a_password_that_stays_the_same(tmp_path: Path) -> None:
    first, second = database(tmp_path).address, database(tmp_path).address

    assert first == second
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0
    assert len((tmp_path / "password").read_text()) >= 24


def test_broker_never_creates_topics_by_itself(tmp_path: Path) -> None:
    settings = broker(tmp_path).render_settings(tmp_path / "records").splitlines()

    assert "auto.create.topics.enable=false" in settings
    assert "group.min.session.timeout.ms=3000" in settings
    assert "advertised.listeners=BROKER://127.0.0.1:19092" in settings
    assert "log.dirs=records" in settings, "no letter of a path can be mistaken for one of the file's own"


def test_home_is_private(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    home.create()

    modes = {folder.stat().st_mode & 0o777 for folder in (home.root, home.documents, home.inbox, home.logs)}
    assert modes == {0o700}


def test_settings_of_one_node_outrank_those_of_every_broker(tmp_path: Path) -> None:
    node = replace(broker(tmp_path), more={"node.id": "2", "min.insync.replicas": "2"})

    # of two lines with one name the last one counts
    lines = (line.partition("=") for line in node.render_settings(tmp_path / "records").splitlines())
    settings = {name: value for name, _, value in lines}

    assert (settings["node.id"], settings["min.insync.replicas"]) == ("2", "2")
