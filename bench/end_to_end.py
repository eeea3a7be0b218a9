#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TCP throughput beside macvlan in bridge mode and a plain veth pair, and what the control plane costs.

Started by scripts/bench, in a mount namespace of its own. Peers take turns (A B C A B C …) in one run; the figures that
count are the ratios of their medians.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

PORT = 5201


def run(*argv, **kwargs):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **kwargs).stdout


def ip(netns, args):
    run("ip", "-n", netns, *args.split())


def add_netns(*names):
    for name in names:
        run("ip", "netns", "add", name)
        ip(name, "link set lo up")


def cable(a, if_a, b, if_b):
    ip(a, f"link add {if_a} type veth peer name {if_b} netns {b}")
    ip(a, f"link set {if_a} up")
    ip(b, f"link set {if_b} up")


def build(bpfvlan):
    """Three peers with the same shape: outside - parent with endpoints 1 and 2."""
    for peer in ("bpfvlan", "macvlan"):
        out, host, one, two = (f"{peer}-{n}" for n in ("out", "host", "one", "two"))
        add_netns(out, host, one, two)
        cable(host, "P", out, "X")
        ip(host, "address add 10.55.0.25/24 dev P")
        ip(out, "address add 10.55.0.1/24 dev X")
        for n, netns in ((1, one), (2, two)):
            if peer == "bpfvlan":
                run(bpfvlan, "-n", host, "endpoint", "add", f"e{n}", "--parent", "P", "--netns", netns,
                    "--ifname", "eth0", "--address", f"10.55.0.10{n}/24", "--default-route")
                ip(out, f"route add 10.55.0.10{n} via 10.55.0.25")
            else:
                ip(host, f"link add eth0 link P netns {netns} type macvlan mode bridge")
                ip(netns, f"address add 10.55.0.10{n}/24 dev eth0")
                ip(netns, "link set eth0 up")
    add_netns("veth-one", "veth-two")
    cable("veth-one", "eth0", "veth-two", "eth0")
    ip("veth-one", "address add 10.55.0.101/24 dev eth0")
    ip("veth-two", "address add 10.55.0.102/24 dev eth0")


def throughput(server_ns, client_ns, address, seconds):
    """Gbit/s of one TCP stream from client to server."""
    server = subprocess.Popen(["ip", "netns", "exec", server_ns, "iperf3", "-s", "-1", "-p", str(PORT)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):  # until it listens
            if f":{PORT}" in run("ip", "netns", "exec", server_ns, "ss", "-Hltn"):
                break
            time.sleep(0.02)
        out = run("ip", "netns", "exec", client_ns, "iperf3", "-c", address, "-p", str(PORT), "-t", str(seconds), "-J")
        return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9
    finally:
        server.wait(10)


def compare(title, cases, rounds, seconds):
    """cases: name -> (server, client, address); the first is ours."""
    seen = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            seen[name].append(throughput(*case, seconds))
    median = {name: statistics.median(values) for name, values in seen.items()}
    ours = next(iter(cases))
    return [{"what": title, "peer": name, "gbit_per_s": round(median[name], 2),
             "ours_over_peer": round(median[ours] / median[name], 3)} for name in cases]


def cpu_seconds():
    times = os.times()
    return times.children_user + times.children_system


def control_plane(bpfvlan, count):
    """Seconds and CPU seconds of one `endpoint add` and of many in one batch; bytes of an empty attach's maps."""
    add_netns("many-out", "many-host", "many")
    cable("many-host", "P", "many-out", "X")
    run(bpfvlan, "-n", "many-host", "attach", "P")
    cookie = max(os.listdir("/sys/fs/bpf/bpfvlan"), key=int)
    maps = ("meta", "parents", "endpoints", "addr4", "addr6", "ep_counters", "reasons")
    memory = sum(json.loads(run("bpftool", "-j", "map", "show", "pinned", f"/sys/fs/bpf/bpfvlan/{cookie}/{m}"))
                 .get("bytes_memlock", 0) for m in maps)
    batch = "".join(f"endpoint add e{i} --parent P --netns many --address 10.80.{i >> 8}.{i & 255}\n"
                    for i in range(count))
    rows = [{"what": "memory of an empty attach", "bytes": memory}]
    for what, text in (("one endpoint add", "endpoint add one --parent P --netns many --address 10.79.0.1\n"),
                       (f"{count} endpoint adds in one batch", batch)):
        cpu, wall = cpu_seconds(), time.monotonic()
        run(bpfvlan, "-n", "many-host", "-b", "-", input=text)
        rows.append({"what": what, "seconds": round(time.monotonic() - wall, 4),
                     "cpu_seconds": round(cpu_seconds() - cpu, 4)})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bpfvlan", help="the program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--endpoints", type=int, default=1000)
    args = parser.parse_args()

    build(args.bpfvlan)
    rows = compare("TCP sibling to sibling",
                   {"bpfvlan": ("bpfvlan-two", "bpfvlan-one", "10.55.0.102"),
                    "macvlan": ("macvlan-two", "macvlan-one", "10.55.0.102"),
                    "veth": ("veth-two", "veth-one", "10.55.0.102")}, args.rounds, args.seconds)
    rows += compare("TCP outside to endpoint",
                    {"bpfvlan": ("bpfvlan-one", "bpfvlan-out", "10.55.0.101"),
                     "macvlan": ("macvlan-one", "macvlan-out", "10.55.0.101"),
                     "veth": ("veth-one", "veth-two", "10.55.0.101")}, args.rounds, args.seconds)
    rows += control_plane(args.bpfvlan, args.endpoints)
    json.dump({"kernel": os.uname().release, "results": rows}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
