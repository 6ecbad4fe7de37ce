# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, several kinds at once, until standard input ends.

    hostile.py SOCKET USER [KIND...]

Runs as the user with this number if it may, with the lowest priority: what it does itself with the processors is the
kernel's to bound, what it has the daemon do is the daemon's. Prints "ready" when each kind has had its first go, and at the end what
the daemon said to those that it refused, as JSON: how often each limit was named.
"""

import collections
import json
import os
import random
import socket
import sys
import threading
import time

path = sys.argv[1]
os.nice(19)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))

ended = threading.Event()
limits = collections.Counter()
M = "org.jailhoused.Manager."


def call(method, more=False, **parameters):
    return json.dumps({"method": M + method, "parameters": parameters, "more": more}).encode() + b"\0"


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect(path)
    return client


def send(client, data):
    """Sends it, and keeps what the daemon says if it refuses."""
    try:
        client.sendall(data)
    except OSError:
        pass
    listen(client)


def listen(client, time=0.5):
    try:
        client.settimeout(time)
        for message in client.recv(1 << 16).split(b"\0"):
            reply = json.loads(message) if message else {}
            if reply.get("error") == M + "LimitExceeded":
                limits[reply["parameters"]["limit"]] += 1
    except (OSError, ValueError):
        pass


def crowd():
    """A thousand connections at once."""
    clients = []
    for _ in range(1000):
        if ended.is_set():
            break
        try:
            clients.append(connect())
        except OSError:
            pass
    for client in clients:
        listen(client, 0.001)
        client.close()


def garbage():
    with connect() as client:
        send(client, random.randbytes(1 << 16))


def zeros():
    with connect() as client:
        send(client, bytes(1 << 16))


def half():
    """Begins a message and never ends it."""
    with connect() as client:
        send(client, b'{"method":"')
        ended.wait(1)


def endless():
    with connect() as client:
        for _ in range(64):
            send(client, b"x" * (1 << 14))


def deep():
    with connect() as client:
        send(client, b'{"method":' + b"[" * 60000 + b"\0")


def deaf_watcher():
    """Watches, and asks for more and more, and reads nothing."""
    with connect() as client:
        try:
            client.sendall(call("Watch", more=True) * 8)
        except OSError:
            pass
        ended.wait(2)


def deaf_asker():
    with connect() as client:
        client.settimeout(0.2)
        try:
            for _ in range(200):
                client.sendall(call("List") * 8)
        except OSError:
            pass


def asker():
    """Asks as fast as it can."""
    with connect() as client:
        for method in ("List", "Statistics", "Describe", "Check") * 20:
            if ended.is_set():
                return
            client.sendall(call(method, **({"cell": "rtems"} if method in ("Statistics", "Describe") else {})))
            answer = b""
            while not answer.endswith(b"\0"):
                got = client.recv(1 << 16)
                if not got:
                    return
                answer += got


def long_name():
    with connect() as client:
        send(client, call("Describe", cell="x" * 60000))


def gone():
    """Dies in the middle of a request."""
    client = connect()
    client.sendall(call("Describe", cell="rtems") + call("Restart", cell="rtems")[:-20])
    client.close()


def forever(kind, first):
    while not ended.is_set():
        try:
            kind()
        except (OSError, ValueError):
            pass
        first.set()
        time.sleep(0.001)


kinds = [garbage, zeros, half, endless, deep, deaf_watcher, deaf_asker, asker, asker, long_name, gone]
if len(sys.argv) > 3:
    kinds = [globals()[name] for name in sys.argv[3:]]
firsts = [threading.Event() for _ in kinds]
threads = [threading.Thread(target=forever, args=pair, daemon=True) for pair in zip(kinds, firsts)]
for thread in threads:
    thread.start()
for first in firsts:
    first.wait(60)
print("ready", flush=True)
sys.stdin.read()
ended.set()
for thread in threads:
    thread.join(20)
print(json.dumps(limits), flush=True)
