# SPDX-License-Identifier: BSD-3-Clause
"""http_clients.py HOST:PORT FOLDER WHAT [PID]: ordinary HTTP clients, which compare what they get with the files; prints how many bytes of files came."""
import hashlib
import http.client
import os
import signal
import socket
import struct
import sys
import threading
import time
import urllib.parse
import urllib.request

address, folder, what = sys.argv[1:4]
host, port = address.split(':')


def connect():
    return http.client.HTTPConnection(host, int(port), timeout=60)


def ask(connection, path, method='GET', **fields):
    headers = {name.replace('_', '-'): value for name, value in fields.items()}
    connection.request(method, urllib.parse.quote(path), headers=headers)
    return connection.getresponse()


def content(path):
    with open(os.path.join(folder, path), 'rb') as file:
        return file.read()


def digest(path):
    return hashlib.sha256(content(path)).digest()


def same(path, response, status=200):
    """Reads a whole file as it comes, and returns its size."""
    got = hashlib.sha256()
    size = 0
    assert response.status == status, (path, response.status)
    while piece := response.read(1 << 20):
        got.update(piece)
        size += len(piece)
    assert size == int(response.headers['Content-Length']), (path, size)
    assert got.digest() == digest(path), path
    return size


def names():
    text = urllib.request.urlopen(f'http://{address}/').read().decode()
    return [urllib.parse.unquote(line) for line in text.splitlines()]


def files():
    return sorted((path for path in os.listdir(folder) if path.isdigit()), key=int)


def each():
    connection = connect()
    total = 0
    for path in files() + ['deep/link', 'deep/er/with space %#?']:
        response = ask(connection, '/' + path)
        assert response.headers['Connection'] == 'keep-alive'
        total += same(path, response)
    return total


def refusals():
    found = []
    for root, _, leaves in os.walk(folder):
        found += [os.path.relpath(os.path.join(root, leaf), folder) for leaf in leaves]
    found.remove('outside')
    assert sorted(found) == sorted(names()), names()
    connection = connect()
    for path, status in {'/nothing': 404, '/1/': 404, '/outside': 403, '/../etc/passwd': 403, '/deep': 301}.items():
        response = ask(connection, path)
        response.read()
        assert response.status == status, (path, response.status)
    assert response.headers['Location'] == '/deep/'
    assert ask(connection, '/deep/').read() == b'er/with%20space%20%25%23%3F\nlink\n'
    for body, after in ((b'', 'keep-alive'), (bytes(3000000), 'close')):
        connection.request('PUT', '/1', body)
        response = connection.getresponse()
        response.read()
        assert (response.status, response.headers['Connection']) == (405, after)
    for head, status in ((b'nonsense\r\n\r\n', b'400'), (b'GET / HTTP/1.1\r\nX: ' + b'x' * 20000, b'431'), (b'GET / HTTP/1.1\r\n\r\n', b'400')):
        raw = socket.create_connection((host, int(port)))
        for at in range(0, len(head), 1000):
            raw.sendall(head[at:at + 1000])
        assert raw.recv(12) == b'HTTP/1.1 ' + status, head[:20]
    return 0


def ranges():
    path = '1000003'
    whole = content(path)
    connection = connect()
    response = ask(connection, path='/' + path, method='HEAD')
    assert response.read() == b'' and int(response.headers['Content-Length']) == len(whole)
    tag = response.headers['ETag']
    total = 0
    for wanted, part in (('0-0', whole[:1]), ('131071-131072', whole[131071:131073]), ('1000002-', whole[-1:]), ('-500000', whole[-500000:]),
                         ('7-9999999', whole[7:]), ('131072-262143', whole[131072:262144])):
        response = ask(connection, '/' + path, Range='bytes=' + wanted, If_Range=tag)
        assert response.status == 206 and response.read() == part, wanted
        total += len(part)
    response = ask(connection, '/' + path, Range='bytes=0-1')
    assert response.headers['Content-Range'] == f'bytes 0-1/{len(whole)}'
    total += len(response.read())
    total += same(path, ask(connection, '/' + path, Range='bytes=0-1', If_Range='"other"'))
    total += same(path, ask(connection, '/' + path, Range='bytes=0-1,4-5'))
    response = ask(connection, '/' + path, Range='bytes=1000003-')
    assert response.status == 416 and response.headers['Content-Range'] == 'bytes */1000003'
    response.read()
    return total


def change():
    path = 'changing'
    connection = connect()
    total = 0
    tags = set()
    for size in (300000, 300000, 5):
        with open(os.path.join(folder, path), 'wb') as file:
            file.write(os.urandom(size))
        time.sleep(0.1)  # the kernel's clock for files is coarse
        response = ask(connection, '/' + path)
        tags.add(response.headers['ETag'])
        total += same(path, response)
    assert len(tags) == 3, tags
    os.unlink(os.path.join(folder, path))
    return total


def again():
    connection = connect()
    return sum(same('16777216', ask(connection, '/16777216')) for _ in range(4))


def many(clients=32):
    totals = []

    def fetch(number):
        connection = connect()
        paths = files()[:-1]
        if number % 8 == 7:
            paths.append(files()[-1])
        turn = number % len(paths)
        totals.append(sum(same(path, ask(connection, '/' + path)) for path in paths[turn:] + paths[:turn]))

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(totals) == clients, 'some clients failed'
    return sum(totals)


def begin(path, receive_buffer=4096):
    """A client that asks for a file and takes none of it, or little."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.connect((host, int(port)))
    raw.sendall(f'GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
    return raw


def rude():
    started = time.monotonic()
    stalled = [begin('67108864', 1 << 16) for _ in range(4)]
    half = socket.create_connection((host, int(port)))
    half.sendall(b'GET /1 HT')
    for reset in (False, True) * 8:
        raw = begin('16777216', 1 << 20)
        raw.recv(100000)
        if reset:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        raw.close()
    many(6)
    each()
    time.sleep(max(0, started + 12 - time.monotonic()))  # the server waits for 8 s
    for raw in stalled:  # what is dropped is seen as a reset, not as the end of the file
        try:
            deadline = time.monotonic() + 30
            while raw.recv(1 << 20) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert False, 'a client that stalled was served'
        except ConnectionResetError:
            pass
    assert half.recv(1) == b''
    return 0


def signal_once():
    response = ask(connect(), '/67108864')
    os.kill(int(sys.argv[4]), signal.SIGTERM)
    return same('67108864', response)


def signal_twice():
    raw = begin('67108864')
    raw.recv(1)
    for _ in range(2):
        os.kill(int(sys.argv[4]), signal.SIGTERM)
        time.sleep(0.3)
    return 0


print(globals()[what]())
