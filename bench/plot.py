#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what bv_bench_programs measured: the cost of a packet over the number of things there are.

    bench/plot.py PROGRAMS.json DIRECTORY     writes a curve as DIRECTORY/NAME.png for each of CURVES; needs gnuplot
"""

import dataclasses
import json
import re
import subprocess
import sys


@dataclasses.dataclass
class Curve:
    name: str
    parameter: str  # as benchmarks have it in their names
    lines: dict  # a benchmark's name without its number: what the line is called
    x: str = ""
    y: str = "ns a packet"
    counter: str = ""  # the time is divided by it


CURVES = [
    Curve("rules", "rules", {
        "l3s_rx_rules_hit_last": "the last one matches",
        "l3s_rx_rules_miss": "none matches",
        "l3s_rx_rules_miss_every_word": "none matches, each word is looked at",
    }),
    Curve("addresses", "addresses", {
        "rx_hit_ipv4": "from outside, IPv4",
        "rx_hit_ipv6": "from outside, IPv6",
        "rx_miss_ipv4": "from outside, to nobody here",
        "xmit_sibling_ipv4": "to a sibling, IPv4",
        "xmit_wire_ipv4": "to outside, IPv4",
    }),
    Curve("endpoints", "endpoints", {
        "rx_hit_ipv4": "from outside, IPv4",
        "xmit_sibling_ipv4": "to a sibling, IPv4",
        "xmit_wire_ipv4": "to outside, IPv4",
    }),
    Curve("flows", "flows", {"l3s_rx_flows_udp_ipv4": "of a connection in mode l3s, UDP"}, x="connections"),
    Curve("receivers", "endpoints", {
        "l2_rx_broadcast": "broadcast from outside",
        "l2_xmit_broadcast": "broadcast of an endpoint",
    }, x="receivers", y="ns a copy", counter="copies"),
    Curve("members", "endpoints", {
        "l2_rx_multicast": "no others have ever joined",
        "l2_rx_multicast_left": "all others have joined and left",
    }, x="endpoints, 10 of which are members of the group", y="ns a frame"),
]


def series(results, curve):
    """{what the line is called: [(number, ns), ...]}"""
    lines = {label: [] for label in curve.lines.values()}
    for result in results["benchmarks"]:
        found = re.fullmatch(rf"([^/]+)/{curve.parameter}:(\d+)(/.*)?", result["name"])
        if not found or found[1] not in curve.lines or result.get("run_type", "iteration") != "iteration":
            continue
        if result.get("error_occurred"):
            sys.exit(f"plot.py: {result['name']}: {result['error_message']}")
        lines[curve.lines[found[1]]].append((int(found[2]), result["real_time"] / result.get(curve.counter, 1)))
    missing = [label for label, points in lines.items() if not points]
    if missing:
        sys.exit(f"plot.py: not measured: {', '.join(missing)}")
    return {label: sorted(points) for label, points in lines.items()}


def draw(lines, curve, path):
    # From zero: a slope is to look as steep as it is.
    script = [
        "set terminal pngcairo size 900,540",
        f"set output '{path}'",
        f"set logscale x; set xlabel '{curve.x or curve.parameter}'; set ylabel '{curve.y}'; set yrange [0:*]",
        "set grid; set key below",
    ]
    plots = [f"'-' with linespoints title '{label}'" for label in lines]
    script.append("plot " + ", ".join(plots))
    for points in lines.values():
        script += [f"{number} {ns}" for number, ns in points] + ["e"]
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    for curve in CURVES:
        draw(series(results, curve), curve, f"{sys.argv[2]}/{curve.name}.png")


main()
