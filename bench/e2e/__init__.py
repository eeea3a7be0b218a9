# SPDX-License-Identifier: MIT
"""Benchmarks with whole networks: namespaces, real sockets, real commands."""
