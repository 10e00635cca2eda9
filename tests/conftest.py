"""What all tests stand on: their own settings and database, people, conversations, sockets and real processes.

SQLite is the default; `TEST_DATABASE=postgres pytest …` runs those that use the run's database on a PostgreSQL that
is started for it. The others choose their databases themselves and would only say the same again.
"""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from asgiref.sync import sync_to_async

from tests.services import guard, service
from tests.services.client import Socket
from tests.services.environment import PASSWORD, settings_for_tests
from tests.services.postgres import PostgresServer, the_postgres
from tests.services.redis import RedisServer
from tests.services.server import RealClient, ServerProcess, manage, running

# Before any test module imports the application: its settings are read once.
ON_POSTGRES = os.environ.get("TEST_DATABASE", "sqlite") == "postgres"
if "DJANGO_SETTINGS_MODULE" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:  # a worker has it from us
    raise pytest.UsageError("unset DJANGO_SETTINGS_MODULE: the tests choose their settings themselves")
os.environ.update(
    settings_for_tests(DATABASE_URL=the_postgres().url if ON_POSTGRES else "sqlite:///unused-by-tests.sqlite3"),
    DJANGO_SETTINGS_MODULE="chat_server.settings",
)
django.setup()


def _settle_settings() -> None:
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["tests.services.passwords.FastArgon2PasswordHasher"]
    # Whether `collectstatic` has been run is nothing that a test should depend on.
    settings.STATIC_ROOT = guard.temporary_folder("static")
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    if not ON_POSTGRES:
        settings.DATABASES["default"]["TEST"]["NAME"] = str(guard.temporary_folder("sqlite") / "test.sqlite3")


_settle_settings()


# The database -----------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what does not use the run's database."""
    if not ON_POSTGRES:
        return
    using = [item for item in items if {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(using)])
    items[:] = using


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The database goes with its folder or cluster: to drop it would only trip over connections of other threads."""
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """After each test that commits, Django would empty what it made itself and make it anew; it takes longer than the
    test."""
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db import connection
    from django.db.models.signals import post_migrate

    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    plain = connection.introspection.django_table_names
    kept = {"django_content_type", "auth_permission"}
    connection.introspection.django_table_names = lambda *args, **kwargs: [
        name for name in plain(*args, **kwargs) if name not in kept
    ]


# People and what they say -----------------------------------------------------------------------


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """`make_user(username, **fields)`: a stored user; the password is `PASSWORD` where none is given."""
    from authentication.models import User

    def make(username: str, **fields: Any) -> User:
        defaults = {"email": f"{username.lower()}@example.com", "password": PASSWORD}
        return User.objects.create_user(username=username, **{**defaults, **fields})

    return make


@pytest.fixture
def alice(make_user: Callable[..., Any]) -> Any:
    """In every conversation, and the admin of the group."""
    return make_user("alice")


@pytest.fixture
def bob(make_user: Callable[..., Any]) -> Any:
    """In every conversation."""
    return make_user("bob")


@pytest.fixture
def eve(make_user: Callable[..., Any]) -> Any:
    """A stranger: logged in, and in no conversation."""
    return make_user("eve")


@pytest.fixture
def carol(make_user: Callable[..., Any]) -> Any:
    """In no conversation yet; not the stranger that Eve is, for she may be added."""
    return make_user("carol")


@pytest.fixture
def conversation(alice: Any, bob: Any) -> Any:
    """The private conversation of Alice and Bob."""
    from chat import services

    conversation, _ = services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    return conversation


@pytest.fixture
def group(alice: Any, bob: Any) -> Any:
    """A group; Alice is its admin, Bob a participant."""
    from chat import services

    return services.create_group(creator=alice, name="The group", participant_ids=[bob.pk])


# The doors --------------------------------------------------------------------------------------


def token_for(user: Any) -> str:
    """The access token of a fresh session."""
    from authentication import tokens
    from authentication.models import Session

    return tokens.issue_pair(Session(user=user))["access"]


@pytest.fixture
def api(db: None) -> Callable[..., Any]:
    """`api(user=None)`: a REST client that speaks JSON, with a fresh session's token; async tests take `rest`."""
    from rest_framework.test import APIClient

    class JSONClient(APIClient):
        default_format = "json"

    def client(user: Any = None) -> APIClient:
        client = JSONClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for(user)}")
        return client

    return client


@pytest.fixture
def rest(api: Callable[..., Any], transactional_db: None) -> Callable[..., Any]:
    """`await rest(user, "post", path, body)`: the response; REST for async tests."""

    def call(user: Any, method: str, path: str, body: Any = None) -> Any:
        return getattr(api(user), method)(path, body)

    return sync_to_async(call)


@pytest.fixture
async def connect(transactional_db: None) -> AsyncIterator[Callable[..., Any]]:
    """`await connect(user, conversation, **query)`: an open `Socket`, its first frame not read; closed after the test.

    `user` None brings no token; `token`, `origin` and `subprotocols` are as in `Socket`; `path` is any other path.
    """
    from urllib.parse import urlencode

    from chat.hub import get_hub
    from chat_server.asgi import application

    sockets: list[Socket] = []

    async def open_socket(
        user: Any,
        conversation: Any = None,
        *,
        path: str | None = None,
        token: str | None = None,
        origin: str | None = "http://localhost",
        subprotocols: list[str] | None = None,
        **query: Any,
    ) -> Socket:
        if path is None:
            path = f"/ws/chat/{getattr(conversation, 'pk', conversation)}/"
        if token is None and user is not None:
            token = await sync_to_async(token_for)(user)
        path = f"{path}?{urlencode(query)}" if query else path
        socket = Socket(application, path, token=token, origin=origin, subprotocols=subprotocols)
        sockets.append(socket)
        await socket.open()
        return socket

    yield open_socket
    for socket in sockets:
        await socket.close()
    await get_hub().stop()  # this event loop's; its tasks would outlive the test


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """Every test begins like a process that has just started: nothing counted, no channel layer of another loop."""
    from channels.layers import channel_layers

    from chat import broadcast
    from chat_server import throttling

    yield
    throttling.reset()
    broadcast.published.reset()
    channel_layers.backends.clear()


# Real processes ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def the_redis() -> RedisServer:
    """The one Redis of this run; ask for `redis_server`."""
    return RedisServer()


@pytest.fixture
def redis_server(the_redis: RedisServer) -> RedisServer:
    """A real Redis: up, empty, and free to be stopped, killed and paused; the next test finds it mended."""
    the_redis.resume()
    the_redis.start()
    the_redis.flush()
    return the_redis


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL: up, and free to be stopped, killed and paused; it is mended after the test."""
    server = the_postgres()
    yield server
    server.resume()
    server.start()


@pytest.fixture(scope="session")
def migrated_sqlite() -> Path:
    """An empty, migrated SQLite database, to be copied."""
    path = guard.temporary_folder("template") / "chat.sqlite3"
    manage("migrate", "--verbosity", "0", DATABASE_URL=f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def new_sqlite(migrated_sqlite: Path) -> Callable[[], str]:
    """`new_sqlite()`: the URL of a new, migrated SQLite database."""

    def copy() -> str:
        return f"sqlite:///{shutil.copy(migrated_sqlite, guard.temporary_folder('sqlite') / 'chat.sqlite3')}"

    return copy


@pytest.fixture(scope="session")
def migrated_postgres() -> str:
    """The name of an empty, migrated PostgreSQL database, to be used as a template."""
    manage("migrate", "--verbosity", "0", DATABASE_URL=the_postgres().create_database("migrated"))
    return "migrated"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, migrated_postgres: str) -> str:
    """The URL of an empty, migrated database on the real PostgreSQL."""
    return postgres_server.create_database("chat", template=migrated_postgres)


@pytest.fixture
def start_server(request: pytest.FixtureRequest) -> Iterator[Callable[..., ServerProcess]]:
    """`start_server(workers=1, **settings)`: a real server process; with a new SQLite database where none is named."""
    servers: list[ServerProcess] = []

    def start(*, workers: int = 1, **settings: str) -> ServerProcess:
        if "DATABASE_URL" not in settings:
            settings["DATABASE_URL"] = request.getfixturevalue("new_sqlite")()
        server = ServerProcess(workers=workers, **settings)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def shared_server(new_sqlite: Callable[[], str]) -> Iterator[ServerProcess]:
    """One real server for all tests of a module that leave it alone; each test brings its own persons."""
    with running(ServerProcess(DATABASE_URL=new_sqlite())) as server:
        yield server


@pytest.fixture(scope="module")
def shared_parts(the_redis: RedisServer, migrated_postgres: str) -> dict[str, str]:
    """The settings of servers on one PostgreSQL and one Redis, for all tests of a module."""
    the_redis.resume()
    the_redis.start()
    url = the_postgres().create_database("shared", template=migrated_postgres)
    return {"DATABASE_URL": url, "REDIS_URL": the_redis.url}


@pytest.fixture
def server(start_server: Callable[..., ServerProcess]) -> ServerProcess:
    """One real server process as `make run` starts it: SQLite and the in-memory channel layer."""
    return start_server()


@pytest.fixture
async def person() -> AsyncIterator[Callable[..., Any]]:
    """`await person(server, username)`: a `RealClient` with a new account on a real server; closed after the test."""
    clients: list[RealClient] = []

    async def register(server: ServerProcess, username: str) -> RealClient:
        client = RealClient(server)
        clients.append(client)
        return await client.register(username)

    yield register
    for client in clients:
        await client.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show what the real processes had to say with a test that fails."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {each.log.name}", each.tail()) for each in service.STARTED if each.tail()]
    if call.when == "teardown":
        service.STARTED[:] = [each for each in service.STARTED if each.is_running]
    return report
