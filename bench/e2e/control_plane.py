# SPDX-License-Identifier: MIT
"""Endpoints added and deleted, one command each and in one batch, beside `ip` making as many interfaces of the kernel's.

Each gets an address and comes up, in one of ten namespaces. `ip -batch` stays in one namespace: it runs once for each.
"""
import resource
import statistics
import time

from .networks import kernel_makes, pair
from .shell import ip, namespaces, run

NAMESPACES = 10
# The batch of so many takes at most so many times as long as making and moving ipvlans, where the kernel has them.
BATCH_TARGET, BATCH_OF = 2, 1000
ONE_ADD_CPU_TARGET = 0.030


def netns_of(i):
    return f"n{i % NAMESPACES}"


def address_of(i):
    return f"10.80.{i >> 8}.{i & 255}"


class Ours:
    def __init__(self, program):
        self.program = program

    def prepare(self):
        run(self.program, "-n", "host", "attach", "P")

    def batch(self, lines):
        run(self.program, "-n", "host", "-b", "-", input="\n".join(lines))

    def one_by_one(self, lines):
        for line in lines:
            run(self.program, "-n", "host", *line.split())

    def add(self, count, how):
        how([f"endpoint add e{i} --parent P --netns {netns_of(i)} --address {address_of(i)} --device veth"
             for i in range(count)])

    def delete(self, count, how):
        how([f"endpoint del e{i}" for i in range(count)])


class Driver:
    """kind: the end of `ip link add` for one whose interface appears where it belongs; or, to be moved there, in the host."""

    def __init__(self, kind, moved=False):
        self.kind, self.moved = kind, moved

    def prepare(self):
        pass

    def batch(self, commands):
        """commands: (namespace, line)"""
        for netns in dict(commands):  # in the order of their first
            ip(netns, *(line for where, line in commands if where == netns))

    def one_by_one(self, commands):
        for netns, line in commands:
            run("ip", "-n", netns, *line.split())

    def add(self, count, how):
        there = "" if self.moved else "netns {netns}"
        commands = []
        for i in range(count):
            commands.append(("host", self.kind.format(i=i, there=there.format(netns=netns_of(i)))))
            if self.moved:
                commands.append(("host", f"link set dev e{i} netns {netns_of(i)}"))
        for i in range(count):
            commands += [(netns_of(i), f"address add {address_of(i)} dev e{i}"), (netns_of(i), f"link set dev e{i} up")]
        how(commands)

    def delete(self, count, how):
        how([(netns_of(i), f"link del dev e{i}") for i in range(count)])


def peers(program):
    made = {"bpfvlan": Ours(program)}
    ipvlan = "link add link P name e{i} {there} type ipvlan mode l3"
    if kernel_makes("link p type ipvlan"):
        made |= {"ipvlan, moved": Driver(ipvlan, moved=True), "ipvlan": Driver(ipvlan)}
    macvlan = "link add link P name e{i} {there} type macvlan mode bridge"
    # Its other end comes up too, as an endpoint's does.
    veth = "link add name v{i} up type veth peer name e{i} {there}"
    return made | {"macvlan, moved": Driver(macvlan, moved=True), "macvlan": Driver(macvlan), "veth": Driver(veth)}


def cost(action, *args):
    """Seconds, and CPU seconds of the commands."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    action(*args)
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds,
            "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def turn(peer, count, manner):
    with namespaces("x", "host", *map(netns_of, range(NAMESPACES))):
        pair("host", "P", "x", "X")
        peer.prepare()
        how = getattr(peer, manner)
        return {"add": cost(peer.add, count, how), "delete": cost(peer.delete, count, how)}


def row_of(count, manner, action, name, seen, emulated):
    """Medians; the ratio is the median of the rounds'."""
    mine = [turn[action] for turn in seen["bpfvlan"]]
    its = [turn[action] for turn in seen[name]]
    row = {"endpoints": count, "manner": manner.replace("_", " "), "action": action, "peer": name,
           "seconds": round(statistics.median(cost["seconds"] for cost in its), 4),
           "cpu_seconds": round(statistics.median(cost["cpu_seconds"] for cost in its), 4),
           "ours_over_peer": round(statistics.median(a["seconds"] / b["seconds"] for a, b in zip(mine, its)), 3)}
    if (name, manner, action, count) == ("ipvlan, moved", "batch", "add", BATCH_OF):
        row |= {"target": BATCH_TARGET, "met": row["ours_over_peer"] <= BATCH_TARGET}
    if (name, manner, action, count, emulated) == ("bpfvlan", "one_by_one", "add", 1, False):
        row |= {"target_cpu_seconds": ONE_ADD_CPU_TARGET, "met": row["cpu_seconds"] <= ONE_ADD_CPU_TARGET}
    return row


def measure(args):
    rows = []
    all_peers = {name: peer for name, peer in peers(args.bpfvlan).items()
                 if name == "bpfvlan" or not args.peers or name in args.peers}
    for count in args.endpoints or [1, 100, 1000]:
        for manner in ("one_by_one", "batch"):
            if manner == "one_by_one" and count > args.most_one_by_one:
                continue
            seen = {name: [] for name in all_peers}
            for _ in range(args.rounds if count < 1000 else 1):
                for name, peer in all_peers.items():
                    seen[name].append(turn(peer, count, manner))
            rows += [row_of(count, manner, action, name, seen, args.emulated)
                     for action in ("add", "delete") for name in seen]
    return rows


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=2, help="of less than 1,000 endpoints; of others, one")
    parser.add_argument("--endpoints", type=int, action="append", help="default: 1, 100 and 1,000")
    parser.add_argument("--most-one-by-one", type=int, default=100, help="more are made by a batch alone")
    parser.add_argument("--emulated", action="store_true", help="this machine is: CPU seconds have no target")
    parser.add_argument("--peer", action="append", dest="peers", help="ours is always there")
