#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what bv_bench_programs measured: the cost of a packet over the number of rules, and of addresses.

    bench/plot.py PROGRAMS.json DIRECTORY     writes rules.png and addresses.png there; needs gnuplot
"""

import json
import re
import subprocess
import sys

# What is drawn: a benchmark's name without its number, and what the line is called.
RULES = {
    "l3s_rx_rules_hit_last": "the last one matches",
    "l3s_rx_rules_miss": "none matches",
    "l3s_rx_rules_miss_every_word": "none matches, each word is looked at",
}
ADDRESSES = {
    "rx_hit_ipv4": "from outside, IPv4",
    "rx_hit_ipv6": "from outside, IPv6",
    "rx_miss_ipv4": "from outside, to nobody here",
    "xmit_sibling_ipv4": "to a sibling, IPv4",
    "xmit_wire_ipv4": "to outside, IPv4",
}


def series(results, names, parameter):
    """{what the line is called: [(number, ns), ...]}"""
    lines = {label: [] for label in names.values()}
    for result in results["benchmarks"]:
        found = re.fullmatch(rf"([^/]+)/{parameter}:(\d+)(/.*)?", result["name"])
        if found and found[1] in names and result.get("run_type", "iteration") == "iteration":
            lines[names[found[1]]].append((int(found[2]), result["real_time"]))
    missing = [label for label, points in lines.items() if not points]
    if missing:
        sys.exit(f"plot.py: not measured: {', '.join(missing)}")
    return {label: sorted(points) for label, points in lines.items()}


def draw(lines, x, path):
    # From zero: a slope is to look as steep as it is.
    script = [
        "set terminal pngcairo size 900,540",
        f"set output '{path}'",
        f"set logscale x; set xlabel '{x}'; set ylabel 'ns a packet'; set yrange [0:*]",
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
    draw(series(results, RULES, "rules"), "rules", f"{sys.argv[2]}/rules.png")
    draw(series(results, ADDRESSES, "addresses"), "addresses", f"{sys.argv[2]}/addresses.png")


main()
