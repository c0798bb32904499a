#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A web server that serves a folder, and breaks in the way that the first part of the path names (fault_replies.py)."""
import socket
import sys
import threading

sys.dont_write_bytecode = True  # the folder of this file may be read-only

import fault_replies  # noqa: E402
from fault_http import Broken, Connection  # noqa: E402


def log(connection, request, done):
    """One line a request; whole lines, since threads write them."""
    wanted = request.fields.get('range', 'all')
    sys.stdout.write(f'{connection.peer} {request.method} {request.target} {wanted} -> {done}\n')
    sys.stdout.flush()


def serve_connection(sock, peer, folder):
    connection = Connection(sock, peer)
    try:
        while request := connection.read_request():
            done, keep = fault_replies.answer(connection, request, folder)
            log(connection, request, done)
            if not keep:
                break
    except Broken as end:
        log(connection, end.request, end)
    except OSError:
        pass  # the client is gone, or was reset by a fault
    finally:
        sock.close()


def listen(port):
    """IPv6 and IPv4."""
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(('::', port))
    listener.listen(256)
    return listener


def main():
    if len(sys.argv) != 3:
        sys.exit('usage: fault_server.py FOLDER PORT')
    listener = listen(int(sys.argv[2]))
    while True:
        sock, peer = listener.accept()
        threading.Thread(target=serve_connection, args=(sock, peer[0], sys.argv[1]), daemon=True).start()


if __name__ == '__main__':
    main()
