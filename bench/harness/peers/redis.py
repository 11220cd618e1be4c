"""Redis: every write synced before its answer (appendfsync always), transfers as Lua functions.

Two forms, each with several numbers of clients, pipeline depths and sizes of batches, from redis-benchmark:

- one transfer a call;
- a batch of transfers in one call, which reads its accounts at once, judges the transfers one after
  the other in Lua, and writes the accounts at once.

Balances are fields of one hash and credit limits of another. No record of the transfers is kept: in
Redis' favour.
"""

import csv
import io
import random

from ..errors import BenchError
from . import peer

_SERVER_SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    # Neither snapshots nor rewrites of the log during a run.
    "save": "",
    "auto-aof-rewrite-percentage": "0",
}

_SINGLE_VARIANTS = ((1, 1), (50, 1), (50, 16), (100, 32), (50, 128), (16, 1000))
_BATCH_VARIANTS = ((1, 1), (4, 1), (4, 4), (16, 4))
# What redis-benchmark replaces by a random number below --keyspace, in 12 digits.
_RANDOM = "__rand_int__"
_CALIBRATION_SECONDS = 0.5

_LIBRARY = """#!lua name=bank
local balances, limits = 'balances', 'limits'
-- Lua puts no more than some 8,000 arguments on its stack.
local arguments_max = 4000

local function call_in_parts(command, key, arguments, add)
    for first = 1, #arguments, arguments_max do
        local last = math.min(first + arguments_max - 1, #arguments)
        local reply = redis.call(command, key, unpack(arguments, first, last))
        if add then
            for i, value in ipairs(reply) do add(first + i - 1, value) end
        end
    end
end

redis.register_function('transfer', function(keys, arguments)
    local source, target, amount = arguments[1], arguments[2], tonumber(arguments[3])
    if source == target or amount <= 0 then
        redis.call('INCR', 'rejections')
        return 0
    end
    local found = redis.call('HMGET', balances, source, target)
    local balance, limit = tonumber(found[1]), tonumber(redis.call('HGET', limits, source))
    if not balance or not found[2] or balance - amount < -limit then
        redis.call('INCR', 'rejections')
        return 0
    end
    redis.call('HINCRBY', balances, source, -amount)
    redis.call('HINCRBY', balances, target, amount)
    return 1
end)

redis.register_function('transfer_batch', function(keys, arguments)
    local names, seen = {}, {}
    for i = 1, #arguments, 3 do
        for j = i, i + 1 do
            local name = arguments[j]
            if not seen[name] then
                seen[name] = true
                names[#names + 1] = name
            end
        end
    end
    local balance, limit = {}, {}
    call_in_parts('HMGET', balances, names, function(i, value) balance[names[i]] = tonumber(value) end)
    call_in_parts('HMGET', limits, names, function(i, value) limit[names[i]] = tonumber(value) end)
    local rejected = 0
    for i = 1, #arguments, 3 do
        local source, target, amount = arguments[i], arguments[i + 1], tonumber(arguments[i + 2])
        local before = balance[source]
        if source == target or amount <= 0 or not before or not balance[target]
            or before - amount < -limit[source] then
            rejected = rejected + 1
        else
            balance[source] = before - amount
            balance[target] = balance[target] + amount
        end
    end
    local pairs_to_set = {}
    for _, name in ipairs(names) do
        if balance[name] then
            pairs_to_set[#pairs_to_set + 1] = name
            pairs_to_set[#pairs_to_set + 1] = string.format('%d', balance[name])
        end
    end
    call_in_parts('HSET', balances, pairs_to_set)
    if rejected > 0 then redis.call('INCRBY', 'rejections', rejected) end
    return #arguments / 3 - rejected
end)
"""


class Redis:
    name = "Redis"

    def __init__(self, folder):
        """`folder` is a fresh one."""
        self._folder = folder
        self._port = peer.free_port()
        self._server = peer.require_command("redis-server")
        self._client = peer.require_command("redis-cli")
        self._benchmark = peer.require_command("redis-benchmark")
        self._process = None

    def __enter__(self):
        settings = {"bind": "127.0.0.1", "port": str(self._port), "dir": str(self._folder),
                    "daemonize": "no", **_SERVER_SETTINGS}  # fmt: skip
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._process = peer.Process(
            [self._server, *options], self._folder / "log", self._is_ready
        )
        self._process.__enter__()
        return self

    def __exit__(self, *error):
        self._process.__exit__(*error)

    @property
    def settings(self):
        info = dict(
            line.split(":", 1) for line in self._cli("INFO", "server").splitlines() if ":" in line
        )
        settings = " ".join(f"{name}={value or 'none'}" for name, value in _SERVER_SETTINGS.items())
        return f"Redis {info['redis_version']}, loopback TCP, {settings}"

    def forms(self):
        """Each form's name, and its variants: clients, pipeline depth, transfers and command."""
        single = ("FCALL", "transfer", "2", "balances", "limits", _RANDOM, _RANDOM, "10")
        batches = {size: _batch_command(size) for size in peer.BATCHES}
        return {
            "one transfer a call": [
                (clients, depth, 1, single) for clients, depth in _SINGLE_VARIANTS],
            "a batch in a call": [
                (clients, depth, size, command)
                for size, command in batches.items() for clients, depth in _BATCH_VARIANTS],
        }  # fmt: skip

    def measure(self, form, variant, seconds):
        clients, depth, items, command = variant
        self._prepare()
        # redis-benchmark takes a number of requests, not a time.
        first_count = clients * depth * 4
        requests_per_second, _ = self._load(clients, depth, command, first_count)
        requests_per_second, _ = self._load(
            clients, depth, command, max(first_count, requests_per_second * _CALIBRATION_SECONDS)
        )
        self._prepare()
        count = max(first_count, round(requests_per_second * seconds))
        requests_per_second, row = self._load(clients, depth, command, count)
        rejected, check = self._check()
        accepted_share = 1 - rejected / (count * items)
        return peer.Result(
            system=self.name, form=form,
            items_per_second=requests_per_second * items * accepted_share,
            p50_ms=float(row["p50_latency_ms"]), p99_ms=float(row["p99_latency_ms"]),
            client=f"{items:,} a call, redis-benchmark -c {clients} -P {depth}", server=self.settings,
            check=check,
        )  # fmt: skip

    def _prepare(self):
        self._cli("FLUSHALL")
        self._cli("-x", "FUNCTION", "LOAD", "REPLACE", input=_LIBRARY)
        names = [f"{number:012}" for number in range(peer.ACCOUNTS)]
        for key, value in (("balances", peer.STARTING_BALANCE), ("limits", peer.CREDIT_LIMIT)):
            lines = (f"HSET {key} {name} {value}\n" for name in names)
            self._cli("--pipe", input="".join(lines))

    def _load(self, clients, depth, command, count):
        """Requests a second, and the row that redis-benchmark prints."""
        output = peer.output_of(
            [self._benchmark, "-h", "127.0.0.1", "-p", str(self._port), "-c", str(clients),
             "-P", str(depth), "-n", str(round(count)), "-r", str(peer.ACCOUNTS), "--csv",
             *command],
            timeout=600,
        )  # fmt: skip
        # Warnings may stand before the table, whose first field is the whole command.
        csv.field_size_limit(len(output))
        table = output[output.index('"test"') :]
        row = next(csv.DictReader(io.StringIO(table)))
        return float(row["rps"]), row

    def _check(self):
        balances = list(map(int, self._cli("HVALS", "balances").split()))
        expected = peer.ACCOUNTS * peer.STARTING_BALANCE
        beyond = sum(balance < -peer.CREDIT_LIMIT for balance in balances)
        if len(balances) != peer.ACCOUNTS or sum(balances) != expected or beyond:
            raise BenchError(
                f"Redis' balances add up to {sum(balances)} instead of {expected}, and {beyond} "
                "are beyond their limits"
            )
        rejected = int(self._cli("GET", "rejections") or 0)
        return rejected, "sum of balances conserved, none beyond its limit"

    def _is_ready(self):
        try:
            return self._cli("PING") == "PONG"
        except BenchError:
            return False

    def _cli(self, *arguments, **options):
        return peer.output_of(
            [self._client, "-h", "127.0.0.1", "-p", str(self._port), "--raw", "-e", *arguments],
            timeout=60, **options,
        ).strip()  # fmt: skip


def _batch_command(size):
    amounts = random.Random(1)
    command = ["FCALL", "transfer_batch", "2", "balances", "limits"]
    for _ in range(size):
        command += (_RANDOM, _RANDOM, str(amounts.randint(1, peer.AMOUNT_MAX)))
    return command
