"""A PostgreSQL server of this machine with LiteLLM's table, in a folder that goes away."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.orchestration.processes import free_port

PASSWORD = "p4ss word/@"

# Columns as LiteLLM's schema has them; its migrations make timestamps without a zone, in UTC.
TABLE = """
create table "LiteLLM_SpendLogs" (
  request_id text primary key, call_type text not null, api_key text not null default '',
  spend double precision not null default 0, total_tokens integer not null default 0,
  prompt_tokens integer not null default 0, completion_tokens integer not null default 0,
  "startTime" timestamp(3) not null, "endTime" timestamp(3) not null,
  model text not null default '', "user" text default '', metadata jsonb default '{}',
  cache_hit text default '', request_tags jsonb default '[]', end_user text, status text,
  messages jsonb default '{}', response jsonb default '{}'
);
create index on "LiteLLM_SpendLogs" ("startTime");
create role reader login password '{password}';
create role stranger login password '{password}';
grant select on "LiteLLM_SpendLogs" to reader;
"""


class Server(NamedTuple):
    """A server that runs: its port, and how to speak to it as its owner."""

    port: int
    owner: Any

    def url(self, role: str = "reader") -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/postgres"


def programs() -> Path | None:
    """Folder of ``initdb`` and ``postgres``; None where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else found[-1].parent if found else None


@contextmanager
def postgres(folder: Path) -> Iterator[Server]:
    """A server on loopback; PostgreSQL does not run as root, so root lends it to ``nobody``."""
    import psycopg

    root = os.geteuid() == 0
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if root else {}
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    (home / "password").write_text(PASSWORD)
    if root:
        shutil.chown(home, "nobody", "nogroup")
        shutil.chown(home / "password", "nobody", "nogroup")
    port, data = free_port(), home / "data"
    quiet: Any = {"cwd": home, "env": {"LC_ALL": "C", "TZ": "UTC"}, **user}
    binaries = programs()
    assert binaries is not None
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "owner", "-A", "scram-sha-256", "--no-sync",
         "--encoding=UTF8", f"--pwfile={home / 'password'}"],
        check=True, capture_output=True, **quiet,
    )  # fmt: skip
    arguments = [binaries / "postgres", "-D", data, "-p", str(port), "-k", home, "-F",
                 "-c", "listen_addresses=127.0.0.1", "-c", "timezone=Asia/Tokyo"]  # fmt: skip
    with (folder / "postgres.log").open("wb") as log:
        child = subprocess.Popen(arguments, stdout=log, stderr=log, **quiet)
    try:
        for _ in range(100):
            try:
                owner = psycopg.connect(
                    host="127.0.0.1", port=port, user="owner", password=PASSWORD,
                    dbname="postgres", autocommit=True, connect_timeout=5,
                )  # fmt: skip
                break
            except psycopg.OperationalError:
                assert child.poll() is None, (folder / "postgres.log").read_text()
                subprocess.run(["sleep", "0.2"], check=True)
        owner.execute(TABLE.replace("{password}", PASSWORD))
        yield Server(port, owner)
        owner.close()
    finally:
        child.send_signal(signal.SIGINT)  # it does not wait for who is still connected
        child.wait(20)
        shutil.rmtree(home)
