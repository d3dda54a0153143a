from pathlib import Path

from baton.stack.addresses import Addresses
from baton.stack.part import Part
from baton.stack.paths import StackHome
from baton.stack.ports import HOST
from baton.stack.services import SERVICES, Scope, says_ready, service_parts, slots
from runtime.health import Readiness, serve_health

HOME = StackHome(Path("/home-of-the-stack"))
ADDRESSES = Addresses(
    kafka_bootstrap_servers="k:1",
    schema_registry_url="http://r:2",
    database_url="postgresql://d/3",
    document_store="/documents",
    drop_folder="/inbox",
)


def parts(caller: dict[str, str], *, replicas: int = 1) -> dict[str, Part]:
    scope = Scope(replicas=replicas)
    ports = {"intake": 1001, "mllp": 1002, "board": 1003}
    ports |= {title: 2000 + index for index, (_, _, title) in enumerate(slots(scope))}
    made = service_parts(scope, ADDRESSES, HOME, caller, ports)
    return {f"{part.name}.{part.slot}": part for part in made}


def test_replicas_multiply_the_pipeline_and_nothing_else() -> None:
    processes = parts({}, replicas=3)

    assert sum(name.startswith("stager.") for name in processes) == 3
    assert [name for name in processes if name.startswith(("board.", "channels."))] == [
        "channels.0",
        "board.0",
    ]


def test_every_process_has_its_own_metrics_port_and_instance() -> None:
    processes = parts({}, replicas=2)

    ports = [part.command.environment["METRICS_PORT"] for part in processes.values()]
    assert len(set(ports)) == len(ports)
    assert processes["matcher.1"].command.environment["INSTANCE"] == "1"


def test_service_gets_addresses_and_chosen_settings_but_no_secret_of_the_caller() -> None:
    caller = {
        "PATH": "/bin",
        "SMTP_HOST": "mail",
        "FAILPOINT": "stager.after_commit:0.05",
        "CLOUD_TOKEN": "x",
    }

    environment = parts(caller)["stager.0"].command.environment

    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "k:1"
    assert environment["DATABASE_URL"] == "postgresql://d/3"
    assert environment["DOCUMENT_STORE"] == "/documents"
    assert environment["SMTP_HOST"] == "mail"
    assert environment["FAILPOINT"] == "stager.after_commit:0.05"
    assert (environment["BATON_ENVIRONMENT"], environment["TOPIC_PREFIX"]) == ("dev", "")
    assert "CLOUD_TOKEN" not in environment


def test_listening_ports_reach_only_who_listens() -> None:
    processes = parts({})

    channels = processes["channels.0"].command.environment
    assert (channels["INTAKE_HTTP_PORT"], channels["MLLP_PORT"]) == ("1001", "1002")
    assert channels["DROP_FOLDER"] == "/inbox"
    assert processes["board.0"].command.environment["BOARD_HTTP_PORT"] == "1003"
    assert "MLLP_PORT" not in processes["board.0"].command.environment


def test_group_carries_the_topic_prefix() -> None:
    processes = parts({"TOPIC_PREFIX": "t1."})

    assert processes["stager.0"].group == "t1.stager"
    assert processes["board.0"].group is None


def test_only_the_process_itself_can_say_that_it_is_ready() -> None:
    readiness = Readiness()
    server = serve_health(host=HOST, port=0, readiness=readiness, token="own")
    port = int(server.server_address[1])

    before = says_ready(port, "own")
    readiness.set_ready()

    assert not before
    assert says_ready(port, "own")
    assert says_ready(port)
    assert not says_ready(port, "another")
    server.shutdown()
    server.server_close()


def test_names_are_unique() -> None:
    names = [service.name for service in SERVICES]

    assert len(set(names)) == len(names)
