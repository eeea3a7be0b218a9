# SPDX-License-Identifier: MIT
"""What is measured on a path, and by which program.

Sender and receiver have a CPU each, so that who shares one is no matter of luck. But what one thread writes and reads,
questions and connections, where the two take turns, have one: how long another CPU takes to wake up is not what is asked.
Medians within a turn, and CPU seconds, are hardly touched by what else a busy machine does; rates are.
"""
import json
import math
import subprocess

from .shell import inside, run

PORT = "5201"


def stream(_, client, server, address, seconds):
    with subprocess.Popen(["ip", "netns", "exec", server, "iperf3", "-s", "-1", "-p", PORT, "--forceflush"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as listening:
        try:
            for line in listening.stdout:
                if "listening" in line:
                    break
            # -A: CPU of the client, of the server
            out = inside(client, "iperf3", "-c", address, "-p", PORT, "-t", str(math.ceil(seconds)), "-A", "0,1", "-J")
            end = json.loads(out)["end"]
            rate = end["sum_received"]["bits_per_second"] / 1e9
            busy = end["cpu_utilization_percent"]["host_total"] + end["cpu_utilization_percent"]["remote_total"]
            return {"gbit_per_s": rate, "gbit_per_cpu_s": rate / busy * 100}
        finally:
            listening.terminate()


def load(program, kind, server_cpu, path, seconds):
    client, server, address = path
    return json.loads(run(program, kind, "--from", client, "--to", server, "--address", address, "--seconds",
                          str(seconds), "--client-cpu", "0", "--server-cpu", server_cpu))


def answers(program, *path, seconds):
    return load(program, "ask", "0", path, seconds)


def connections(program, *path, seconds):
    return load(program, "connect", "0", path, seconds)


def pieces(program, *path, seconds):
    return load(program, "pieces", "0", path, seconds)


def datagrams(program, *path, seconds):
    return load(program, "datagrams", "1", path, seconds)


# Name of a kind of traffic: (how it is measured, {what of its result counts: its name, whether more is better}).
TRAFFIC = {
    "TCP stream": (stream, {"gbit_per_s": ("Gbit/s", True),
                            "gbit_per_cpu_s": ("Gbit a CPU second of both ends", True)}),
    "TCP, 64 KiB": (pieces, {"p50_us": ("written and read, median, µs", False)}),
    "TCP answers": (answers, {"p50_us": ("median, µs", False), "p99_us": ("99th percentile, µs", False)}),
    "TCP connections": (connections, {"per_s": ("a second", True), "p50_us": ("median, µs", False)}),
    "UDP, 64 bytes": (datagrams, {"per_s": ("a second", True), "p50_us": ("of the sender, median, µs", False)}),
}
