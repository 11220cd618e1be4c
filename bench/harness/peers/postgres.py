"""PostgreSQL: a CHECK for the credit limit, prepared statements over loopback.

Three forms, each with several numbers of clients and sizes of batches, serializable and read committed:

- one transfer a call of a function, with pgbench -M prepared; a transaction that can't be
  serialized is tried again;
- a batch of transfers in one call, which judges them one after the other;
- a batch in one call, which adds the transfers up and updates each account once if no order of them
  could break a rule, and judges them one after the other otherwise.

A transfer is an update that finds its row only if the credit limit allows it, so that a rejection
costs no exception, and that is as right under read committed. No form keeps a record of the transfers, and the
batches' arguments are constants of prepared statements: both in PostgreSQL's favour. Every other batch takes back
what the one before has moved, lest the same accounts come to their limits.
"""

import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

from ..errors import BenchError
from . import peer

# fsync, full_page_writes and synchronous_commit are on by default; named here to be seen.
_SERVER_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "wal_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    # Enough that locks on rows need not become locks on pages, which conflict more.
    "max_pred_locks_per_transaction": "4096",
    "deadlock_timeout": "10ms",
    "jit": "off",
}

_SINGLE_CLIENTS = (1, 8, 16, 32, 64, 128)
_BATCH_CLIENTS = (1, 2)
_ISOLATIONS = ("serializable", "read committed")
# Different batches, chosen at random. pgbench takes at most 128 files.
_BATCH_FILES = 100

_SCHEMA = f"""
DROP TABLE IF EXISTS accounts, rejections;
CREATE TABLE accounts (
    id integer PRIMARY KEY,
    owner text NOT NULL,
    balance bigint NOT NULL,
    credit_limit bigint NOT NULL CHECK (credit_limit >= 0),
    CONSTRAINT within_credit CHECK (balance >= -credit_limit)
) WITH (fillfactor = 50);
CREATE TABLE rejections (count bigint NOT NULL);
INSERT INTO accounts
    SELECT id, 'owner-' || id, {peer.STARTING_BALANCE}, {peer.CREDIT_LIMIT}
    FROM generate_series(1, {peer.ACCOUNTS}) AS id;

CREATE OR REPLACE FUNCTION transfer(source integer, target integer, amount bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF amount <= 0 OR source = target THEN
        INSERT INTO rejections VALUES (1);
        RETURN false;
    END IF;
    UPDATE accounts SET balance = balance - amount
        WHERE id = source AND balance - amount >= -credit_limit;
    IF NOT FOUND THEN
        INSERT INTO rejections VALUES (1);
        RETURN false;
    END IF;
    UPDATE accounts SET balance = balance + amount WHERE id = target;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION transfer_each(sources integer[], targets integer[], amounts bigint[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    rejected integer := 0;
BEGIN
    FOR i IN 1 .. array_length(sources, 1) LOOP
        IF amounts[i] <= 0 OR sources[i] = targets[i] THEN
            rejected := rejected + 1;
            CONTINUE;
        END IF;
        UPDATE accounts SET balance = balance - amounts[i]
            WHERE id = sources[i] AND balance - amounts[i] >= -credit_limit;
        IF NOT FOUND THEN
            rejected := rejected + 1;
            CONTINUE;
        END IF;
        UPDATE accounts SET balance = balance + amounts[i] WHERE id = targets[i];
    END LOOP;
    IF rejected > 0 THEN INSERT INTO rejections VALUES (rejected); END IF;
    RETURN array_length(sources, 1) - rejected;
END $$;

CREATE OR REPLACE FUNCTION transfer_summed(sources integer[], targets integer[], amounts bigint[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    touched integer;
    updated integer;
BEGIN
    SELECT count(DISTINCT id) INTO touched
        FROM (SELECT unnest(sources) UNION ALL SELECT unnest(targets)) AS side(id);
    BEGIN
        UPDATE accounts SET balance = balance - sent + received
        FROM (
            SELECT id, sum(sent)::bigint AS sent, sum(received)::bigint AS received
            FROM (
                SELECT unnest(sources) AS id, unnest(amounts) AS sent, 0::bigint AS received
                UNION ALL
                SELECT unnest(targets), 0, unnest(amounts)
            ) AS side
            GROUP BY id
        ) AS movement
        WHERE accounts.id = movement.id AND balance - sent >= -credit_limit;
        GET DIAGNOSTICS updated = ROW_COUNT;
        IF updated = touched
            AND (SELECT bool_and(amount > 0 AND source <> target)
                 FROM unnest(sources, targets, amounts) AS pair(source, target, amount))
        THEN
            RETURN array_length(sources, 1);
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'AS001';
    EXCEPTION WHEN SQLSTATE 'AS001' THEN
        -- The update is undone.
    END;
    RETURN transfer_each(sources, targets, amounts);
END $$;
"""

_CHECK = """
SELECT sum(balance), count(*) FILTER (WHERE balance < -credit_limit),
    (SELECT coalesce(sum(count), 0) FROM rejections) FROM accounts
"""


class Postgres:
    name = "PostgreSQL"

    def __init__(self, folder):
        """`folder` is a fresh one."""
        self._binaries = _binaries()
        self._folder = folder
        self._data = folder / "data"
        self._port = peer.free_port()
        # PostgreSQL refuses to run as root; its package comes with a user of its own.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process = None

    def __enter__(self):
        if self._user:
            shutil.chown(self._folder, self._user, self._user)
            self._require_reachable()
        self._run(
            "initdb", "--pgdata", self._data, "--username", "bench", "--auth", "trust",
            "--encoding", "UTF8", "--no-locale", timeout=120,
        )  # fmt: skip
        settings = {**_SERVER_SETTINGS, "listen_addresses": "127.0.0.1", "port": self._port,
                    "unix_socket_directories": ""}  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # SIGINT is its fast shutdown.
        self._process = peer.Process(
            [self._binaries / "postgres", "-D", self._data, *options],
            self._folder / "log", self._is_ready, stop_signal=signal.SIGINT, user=self._user,
        )  # fmt: skip
        self._process.__enter__()
        return self

    def __exit__(self, *error):
        self._process.__exit__(*error)

    @property
    def settings(self):
        version = self._sql("SHOW server_version").split()[0]
        settings = " ".join(f"{name}={value}" for name, value in _SERVER_SETTINGS.items())
        return f"PostgreSQL {version}, loopback TCP, {settings}"

    def forms(self):
        """Each form's name, and its variants: isolation, clients, transfers of a call, and files for pgbench."""
        single = self._write("single.sql", _single_script())
        return {
            "one transfer a call": [
                (isolation, clients, 1, [single])
                for isolation in _ISOLATIONS for clients in _SINGLE_CLIENTS],
            "a batch in a call, each in turn": self._batch_variants("transfer_each"),
            "a batch in a call, added up": self._batch_variants("transfer_summed"),
        }  # fmt: skip

    def _batch_variants(self, function):
        files = {
            size: [self._write(f"{function}-{size}-{number}.sql", _batch_script(function, size, number))
                   for number in range(_BATCH_FILES)]
            for size in peer.BATCHES
        }  # fmt: skip
        return [
            (isolation, clients, size, files[size])
            for isolation in _ISOLATIONS for size in peer.BATCHES for clients in _BATCH_CLIENTS
        ]  # fmt: skip

    def measure(self, form, variant, seconds):
        isolation, clients, items, files = variant
        self._sql(_SCHEMA)
        self._sql("VACUUM ANALYZE accounts")
        self._sql("CHECKPOINT")
        log_prefix = self._folder / f"latency-{clients}"
        threads = min(clients, 2)
        output = self._run(
            "pgbench", "--no-vacuum", "--protocol", "prepared", "--client", str(clients),
            "--jobs", str(threads), "--time", str(max(round(seconds), 1)), "--max-tries", "10000",
            "--random-seed", "1", "--log", "--log-prefix", log_prefix,
            *(part for file in files for part in ("--file", file)),
            *self._connection(), "bench", timeout=seconds + 120,
            # Spaces are between options.
            env={**os.environ, "PGOPTIONS": "-c default_transaction_isolation=" + isolation.replace(" ", "\\ ")},
        )  # fmt: skip
        latencies = sorted(self._latencies(log_prefix))
        if not latencies:
            raise BenchError(f"pgbench processed nothing: {output[-2000:]}")
        tps = _field(output, "tps = ")
        rejected, check = self._check()
        # The log has one line for each transaction that was carried out.
        accepted_share = 1 - rejected / (len(latencies) * items)
        return peer.Result(
            system=self.name, form=form, items_per_second=tps * items * accepted_share,
            p50_ms=latencies[len(latencies) // 2] / 1000,
            p99_ms=latencies[len(latencies) * 99 // 100] / 1000,
            client=f"{isolation}, {items:,} a call, pgbench -M prepared -c {clients} -j {threads}",
            server=self.settings,
            check=check,
        )  # fmt: skip

    def _latencies(self, log_prefix):
        """In microseconds, and the files removed: pgbench(1), per-transaction logging."""
        for path in log_prefix.parent.glob(log_prefix.name + ".*"):
            for line in path.read_text().splitlines():
                latency = line.split()[2]
                if latency.isdigit():
                    yield int(latency)
            path.unlink()

    def _check(self):
        total, beyond, rejected = map(int, self._sql(_CHECK).split("|"))
        expected = peer.ACCOUNTS * peer.STARTING_BALANCE
        if total != expected or beyond:
            raise BenchError(
                f"PostgreSQL's balances add up to {total} instead of {expected}, and {beyond} are "
                "beyond their limits"
            )
        return rejected, "sum of balances conserved, none beyond its limit"

    def _write(self, name, text):
        path = self._folder / name
        path.write_text(text)
        return path

    def _sql(self, text):
        return self._run(
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
            "--set", "ON_ERROR_STOP=1", "--dbname", "bench", *self._connection(),
            "--file", "-", timeout=300, input=text,
        ).strip()  # fmt: skip

    def _connection(self):
        return "--host", "127.0.0.1", "--port", str(self._port), "--username", "bench"

    def _is_ready(self):
        try:
            self._run("createdb", *self._connection(), "bench", timeout=30)
        except BenchError:
            return False
        return True

    def _require_reachable(self):
        test = subprocess.run(["test", "-x", self._folder], **peer.as_user(self._user))
        if test.returncode != 0:
            raise BenchError(
                f"the user {self._user} can't enter {self._folder}, and PostgreSQL does not run as "
                "root: choose another folder on the same disk with --data"
            )

    def _run(self, program, *arguments, timeout, **options):
        return peer.output_of(
            [str(self._binaries / program), *map(str, arguments)], timeout, cwd=self._folder,
            **options, **peer.as_user(self._user),
        )  # fmt: skip


def _binaries():
    """Of the newest version that Debian's packages have installed, or of the PATH."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    installed = [folder for folder in folders if (folder / "pgbench").exists()]
    if installed:
        return max(installed, key=lambda folder: int(folder.parent.name.split(".")[0]))
    return Path(peer.require_command("pgbench")).parent


def _single_script():
    return (
        f"\\set source random(1, {peer.ACCOUNTS})\n"
        # One of the others.
        f"\\set target 1 + (:source + random(0, {peer.ACCOUNTS - 2})) % {peer.ACCOUNTS}\n"
        f"\\set amount random(1, {peer.AMOUNT_MAX})\n"
        "SELECT transfer(:source, :target, :amount);\n"
    )


def _batch_script(function, size, number):
    numbers = random.Random(number // 2)
    pairs = [numbers.sample(range(1, peer.ACCOUNTS + 1), 2) for _ in range(size)]
    if number % 2 == 1:
        pairs = [(target, source) for source, target in pairs]
    columns = (
        ("integer", [source for source, _ in pairs]),
        ("integer", [target for _, target in pairs]),
        ("bigint", [numbers.randint(1, peer.AMOUNT_MAX) for _ in pairs]),
    )
    arrays = ", ".join(f"'{{{','.join(map(str, values))}}}'::{kind}[]" for kind, values in columns)
    return f"SELECT {function}({arrays});\n"


def _field(text, label):
    """The number behind a label of pgbench's summary."""
    for line in text.splitlines():
        if line.startswith(label):
            return float(line.removeprefix(label).split()[0])
    raise BenchError(f"pgbench printed no '{label.strip()}':\n{text[-2000:]}")
