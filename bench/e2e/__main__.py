# SPDX-License-Identifier: MIT
"""python3 -m e2e GROUP: JSON on standard output. Started by scripts/bench, in a mount namespace of its own."""
import argparse
import json
import os
import sys

from . import control_plane, end_to_end, hairpin, memory

GROUPS = {"end-to-end": end_to_end, "hairpin": hairpin, "control-plane": control_plane, "memory": memory}


def main():
    parser = argparse.ArgumentParser(prog="e2e", description=__doc__)
    groups = parser.add_subparsers(dest="group", required=True)
    for name, module in GROUPS.items():
        group = groups.add_parser(name, help=module.__doc__.splitlines()[0])
        group.add_argument("bpfvlan", help="the program")
        group.add_argument("load", help="bv_bench_load")
        module.add_arguments(group)
    args = parser.parse_args()
    json.dump({"kernel": os.uname().release, "results": GROUPS[args.group].measure(args)}, sys.stdout, indent=1,
              ensure_ascii=False)
    print()


main()
