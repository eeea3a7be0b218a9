# SPDX-License-Identifier: MIT
"""Frames sent back by a hairpin port, and frames dropped at the parent: by XDP and by TC.

What one CPU does in a second: the far end's sending, the port's work, and the far end's dropping of what comes back. The
sending alone, to a program that drops all, is measured too, and a second ratio leaves it out.
"""
import json
import statistics

from .networks import A, P, X
from .shell import inside, ip, namespaces, run

STATION, SENDER = "02:00:00:00:51:02", "02:00:00:00:51:01"
PORT, CPU, ALONE = "P", "0", "sending alone"


def cable():
    """GRO makes each end take frames by NAPI, as hardware does, and XDP frames at all."""
    ip("sw", f"link add {PORT} type veth peer name X netns x", f"link set {PORT} up")
    ip("x", "link set X up")
    inside("sw", "ethtool", "-K", PORT, "gro", "on")
    inside("x", "ethtool", "-K", "X", "gro", "on")


def frames(args, to_mac, from_mac, seconds, by, *more):
    return json.loads(run(args.load, "frames", "--netns", "x", "--device", "X", "--to-mac", to_mac, "--from-mac",
                          from_mac, "--source", X, "--seconds", str(seconds), "--cpu", CPU,
                          *(["--xdp"] if by == "XDP" else []), *more))


def by_bridge(_):
    ip("sw", "link add br0 type bridge forward_delay 0", "link set br0 up", f"link set {PORT} master br0",
       f"link set {PORT} type bridge_slave hairpin on")


def by_ours(xdp):
    return lambda args: run(args.bpfvlan, "-n", "sw", "hairpin", "attach", PORT, "--xdp", xdp)


HAIRPINS = {"bpfvlan, XDP": by_ours("native"), "bpfvlan, TC": by_ours("off"), "bridge": by_bridge}


def sent_back(args, by, build):
    with namespaces("sw", "x"):
        cable()
        build(args)
        for to, sender in ((SENDER, STATION), (STATION, SENDER)):  # both are heard
            frames(args, to, sender, 0.05, by)
        return frames(args, STATION, SENDER, args.seconds, by)["back_per_s"]


def alone(args, by):
    """What the sender can do, to a port that drops all by a program of two instructions."""
    with namespaces("sw", "x"):
        cable()
        return frames(args, STATION, SENDER, args.seconds, by, "--sink", "sw", "--sink-device", PORT)["sent_per_s"]


def drops(args):
    """Packets that a verdict has dropped, of all reasons."""
    rows = json.loads(run(args.bpfvlan, "-j", "-n", "sw", "stats"))
    return sum(row["packets"] for row in rows if row["action"] == "drop")


def dropped(args, by, options):
    """A flood to an endpoint in mode l3s that is to receive nothing."""
    with namespaces("sw", "x", "a"):
        cable()
        ip("sw", f"address add {P}/24 dev {PORT}")
        run(args.bpfvlan, "-n", "sw", "attach", PORT, "--mode", "l3s", *options)
        run(args.bpfvlan, "-n", "sw", "endpoint", "add", "a", "--parent", PORT, "--netns", "a", "--address", A)
        run(args.bpfvlan, "-n", "sw", "rule", "policy", "--parent", PORT, "input", "DROP")
        mac = json.loads(run("ip", "-n", "sw", "-j", "link", "show", PORT))[0]["address"]
        frames(args, mac, SENDER, 0.05, by, "--to", A)
        before = drops(args)
        sent = frames(args, mac, SENDER, args.seconds, by, "--to", A)
        return (drops(args) - before) / sent["seconds"]


DROPS = {"bpfvlan, XDP": ["--xdp", "native"], "bpfvlan, TC": []}


def compare(args, what, kinds, measure, target):
    """Rates of each kind, and the first one's over each: medians of the rounds."""
    first = next(iter(kinds))
    for by in ("XDP", "packet socket"):
        rounds = []
        for _ in range(args.rounds):
            rounds.append({kind: measure(args, by, how) for kind, how in kinds.items()})
            if by == "XDP":  # what a packet socket sends costs XDP a copy, and so would its sink
                rounds[-1][ALONE] = alone(args, by)
        for kind in rounds[0]:
            rates = [seen[kind] for seen in rounds]
            row = {"what": what, "sender": by, "peer": kind, "per_s": round(statistics.median(rates)),
                   "least": round(min(rates)), "most": round(max(rates)),
                   "first_over_peer": round(statistics.median(seen[first] / seen[kind] for seen in rounds), 3)}
            if by == "XDP" and kind != ALONE:
                row["without_sending"] = round(statistics.median(
                    work(seen[kind], seen[ALONE]) / work(seen[first], seen[ALONE]) for seen in rounds), 3)
            if (by, kind) == ("XDP", "bpfvlan, TC"):
                row |= {"target": target, "met": row["without_sending"] >= target}  # a far end is another machine
            yield row


def work(rate, alone_rate):
    """Seconds a frame, without those of its sending."""
    return 1 / rate - 1 / alone_rate


def measure(args):
    rows = list(compare(args, "sent back", HAIRPINS, sent_back, 3))
    if "--xdp" not in run(args.bpfvlan, "attach", "--help"):
        return rows + [{"what": "dropped", "skipped": "`bpfvlan attach` has no --xdp"}]
    return rows + list(compare(args, "dropped", DROPS, dropped, 2))


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5, help="turns of each port")
    parser.add_argument("--seconds", type=float, default=1, help="of sending in a turn")
