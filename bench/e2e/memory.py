# SPDX-License-Identifier: MIT
"""Bytes of the maps: of a parent without endpoints, and what endpoints, addresses and the filter add."""
import json
from pathlib import Path

from .networks import pair
from .shell import namespaces, run, works

ENDPOINTS, ADDRESSES = 100, 1000


def maps():
    """{name of a map: its bytes}, of the one namespace that has any here."""
    sizes = {}
    for pin in Path("/sys/fs/bpf/bpfvlan").glob("[0-9]*/**/*"):
        if pin.is_file() and works("bpftool", "map", "show", "pinned", str(pin)):  # else a program, a link
            sizes[pin.name] = json.loads(run("bpftool", "-j", "map", "show", "pinned", str(pin)))["bytes_memlock"]
    return sizes


def measure(args):
    with namespaces("x", "host", "n"):
        pair("host", "P", "x", "X")

        def ours(*lines):
            run(args.bpfvlan, "-n", "host", "-b", "-", input="\n".join(lines))

        ours("attach P")
        empty = maps()
        ours(*(f"endpoint add e{i} --parent P --netns n" for i in range(ENDPOINTS)))
        endpoints = maps()
        ours(*(f"address add e{i % ENDPOINTS} 10.80.{i >> 8}.{i & 255}" for i in range(ADDRESSES)))
        addresses = maps()
        ours("endpoint set e0 --filter on")
        filtered = maps()
    total = {"empty": sum(empty.values()), "endpoints": sum(endpoints.values()), "addresses": sum(addresses.values()),
             "filtered": sum(filtered.values())}
    return [
        {"what": "a parent without endpoints, 4,096 endpoints and 65,536 addresses of each family allowed",
         "bytes": total["empty"], "maps": empty},
        {"what": "each endpoint", "bytes": (total["endpoints"] - total["empty"]) / ENDPOINTS},
        {"what": "each address", "bytes": (total["addresses"] - total["endpoints"]) / ADDRESSES},
        {"what": "the filter, 262,144 connections allowed", "bytes": total["filtered"] - total["addresses"],
         "maps": {name: size for name, size in filtered.items() if name not in addresses}},
    ]


def add_arguments(parser):
    """None."""
