# SPDX-License-Identifier: MIT
"""The networks that are compared: an outside host x, a host with the interface P on the wire to x, and a and b behind it.

Each is made anew for its turn and gone behind it: what one switches on in the kernel is none of another's cost.
"""
import contextlib
import dataclasses

from .shell import inside, ip, namespaces, run, works

X, P, A, B = "10.55.0.1", "10.55.0.25", "10.55.0.101", "10.55.0.102"
ROUTED_A, ROUTED_B = "10.56.1.2", "10.56.2.2"
SIBLINGS, INBOUND, OUTBOUND = "sibling to sibling", "outside to endpoint", "endpoint to outside"


@dataclasses.dataclass
class Network:
    """Who talks to whom, and by which address, on each path."""

    paths: dict  # name of a path: (namespace of the client, of the server, the server's address)


def pair(netns, ifname, peer_netns, peer, *more):
    ip(netns, f"link add name {ifname} type veth peer name {peer} netns {peer_netns}", f"link set dev {ifname} up", *more)
    ip(peer_netns, f"link set dev {peer} up")


def wire():
    pair("host", "P", "x", "X")
    ip("x", f"address add {X}/24 dev X")


def all_paths(a=A, b=B):
    return Network({SIBLINGS: ("a", "b", b), INBOUND: ("x", "a", a), OUTBOUND: ("a", "x", X)})


def ours(program, *options):
    """In mode l3, as endpoints are unless one says otherwise."""
    wire()
    ip("host", f"address add {P}/24 dev P")
    for name, address in (("a", A), ("b", B)):
        run(program, "-n", "host", "endpoint", "add", name, "--parent", "P", "--netns", name, "--address",
            f"{address}/24", "--default-route", *options)
        ip("x", f"route add {address} via {P}")
    return all_paths()


def of_driver(kind):
    """A driver of the kernel with interfaces of its own on P."""
    wire()
    for name, address in (("a", A), ("b", B)):
        ip("host", f"link add link P name {name} netns {name} type {kind}")
        ip(name, f"address add {address}/24 dev {name}", f"link set dev {name} up")
    return all_paths()


def ipvlan():
    wire()
    ip("host", f"address add {P}/24 dev P")
    for name, address in (("a", A), ("b", B)):
        ip("host", f"link add link P name {name} netns {name} type ipvlan mode l3")
        ip(name, f"address add {address}/24 dev {name}", f"link set dev {name} up", f"route add default dev {name}")
        ip("x", f"route add {address} via {P}")
    return all_paths()


def bridge():
    wire()
    ip("host", "link add br0 type bridge forward_delay 0", "link set br0 up", "link set P master br0")
    for name, address in (("a", A), ("b", B)):
        pair("host", f"to-{name}", name, name, f"link set to-{name} master br0")
        ip(name, f"address add {address}/24 dev {name}")
    return all_paths()


def routed():
    wire()
    ip("host", f"address add {P}/24 dev P")
    inside("host", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    for name, address in (("a", ROUTED_A), ("b", ROUTED_B)):
        gateway = address[:-1] + "1"
        pair("host", f"to-{name}", name, name, f"address add {gateway}/24 dev to-{name}")
        ip(name, f"address add {address}/24 dev {name}", f"route add default via {gateway}")
        ip("x", f"route add {address} via {P}")
    return all_paths(ROUTED_A, ROUTED_B)


def direct():
    """Nothing but a device pair on each path."""
    pair("a", "to-b", "b", "to-a", f"address add {A}/24 dev to-b")
    ip("b", f"address add {B}/24 dev to-a")
    pair("a", "to-x", "x", "X", "address add 10.57.0.2/24 dev to-x")
    ip("x", "address add 10.57.0.1/24 dev X")
    return Network({SIBLINGS: ("a", "b", B), INBOUND: ("x", "a", "10.57.0.2"), OUTBOUND: ("a", "x", "10.57.0.1")})


def kernel_makes(kind):
    with namespaces("probe"):
        ip("probe", "link add p type veth peer name q")
        return works("ip", "-n", "probe", "link", "add", "name", "l", *kind.split())


def peers(program):
    """Name: what builds it. Ours comes first; what this kernel lacks is left out."""
    all_peers = {"bpfvlan, veth": lambda: ours(program, "--device", "veth")}
    if kernel_makes("type netkit"):
        all_peers["bpfvlan, netkit"] = lambda: ours(program, "--device", "netkit")
    if kernel_makes("link p type ipvlan"):
        all_peers["ipvlan"] = ipvlan
    return all_peers | {"macvlan": lambda: of_driver("macvlan mode bridge"), "bridge": bridge, "routing": routed,
                        "veth": direct}


@contextlib.contextmanager
def network(build):
    with namespaces("x", "host", "a", "b"):
        yield build()
