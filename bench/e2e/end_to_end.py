# SPDX-License-Identifier: MIT
"""TCP and UDP between siblings, from outside and to outside: ours beside what else the kernel has for it."""
import statistics

from .load import TRAFFIC
from .networks import INBOUND, OUTBOUND, SIBLINGS, network, peers

# (traffic, path, peer, unit): our ratio to it is to be at least this.
TARGETS = {
    ("TCP stream", SIBLINGS, "macvlan", "Gbit/s"): 1.0,
    ("TCP stream", SIBLINGS, "veth", "Gbit/s"): 0.95,
}


def turn(args, build, path, seen):
    """All kinds of traffic on one path of one peer's network."""
    with network(build) as net:
        for traffic, (measure, numbers) in TRAFFIC.items():
            if args.traffic and traffic not in args.traffic:
                continue
            got = measure(args.load, *net.paths[path], seconds=args.seconds)
            for number in numbers:
                seen.setdefault((traffic, number), []).append(got[number])


def rows_of(path, seen):
    """A row for each kind of traffic and peer; the ratio is the median of the rounds' ratios."""
    ours = next(iter(seen))
    for traffic, number in seen[ours]:
        unit, more_is_better = TRAFFIC[traffic][1][number]
        for peer, numbers in seen.items():
            values = numbers[traffic, number]
            row = {"traffic": traffic, "path": path, "peer": peer, "unit": unit, "more_is_better": more_is_better,
                   "median": round(statistics.median(values), 3), "least": round(min(values), 3),
                   "most": round(max(values), 3),
                   "ours_over_peer": round(statistics.median(
                       mine / its for mine, its in zip(seen[ours][traffic, number], values)), 3)}
            target = TARGETS.get((traffic, path, peer, unit))
            yield row if target is None else row | {"target": target, "met": row["ours_over_peer"] >= target}


def measure(args):
    builders = {name: build for name, build in peers(args.bpfvlan).items()
                if name.startswith("bpfvlan") or not args.peers or name in args.peers}
    rows = []
    for path in args.paths or [SIBLINGS, INBOUND, OUTBOUND]:
        seen = {peer: {} for peer in builders}
        for _ in range(args.rounds):
            for peer, build in builders.items():
                turn(args, build, path, seen[peer])
        rows += rows_of(path, seen)
    return rows


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer on each path")
    parser.add_argument("--seconds", type=float, default=1, help="of each kind of traffic in a turn; of a stream, whole ones")
    parser.add_argument("--path", action="append", dest="paths", choices=[SIBLINGS, INBOUND, OUTBOUND])
    parser.add_argument("--traffic", action="append", choices=list(TRAFFIC))
    parser.add_argument("--peer", action="append", dest="peers", help="ours is always there")
