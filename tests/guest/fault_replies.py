# SPDX-License-Identifier: BSD-3-Clause
"""The faults of fault_server.py. Each is a function that sends one response, and tells what it did and whether the connection goes on."""
import collections
import gzip
import os
import random
import threading
from urllib.parse import unquote

from fault_http import Reply

faults = {}  # name: how many numbers follow it in the path, the function
counts = collections.Counter()
counts_lock = threading.Lock()


def fault(name, numbers=0):
    def add(function):
        faults[name] = numbers, function
        return function
    return add


def times_before(connection, request):
    """How often this client asked for this target before."""
    with counts_lock:
        counts[connection.peer, request.target] += 1
        return counts[connection.peer, request.target] - 1


def split_path(target):
    """/NAME/N/OBJECT: the function, its numbers and the object; anything else is an object without a fault."""
    path = unquote(target.split('?')[0]).lstrip('/')
    name, *rest = path.split('/')
    numbers, function = faults.get(name, (0, None))
    if not function or len(rest) < numbers + 1 or not all(word.isdigit() for word in rest[:numbers]):
        return send_right, [], path
    return function, [int(word) for word in rest[:numbers]], '/'.join(rest[numbers:])


def answer(connection, request, folder):
    function, numbers, name = split_path(request.target)
    path = os.path.realpath(os.path.join(folder, name))
    if not path.startswith(os.path.realpath(folder) + '/') or not os.path.isfile(path):
        reply = Reply(request, b'there is no such object\n', ranges=False)
        reply.status = 404
        return send(connection, reply)
    with open(path, 'rb') as file:
        return function(connection, request, file.read(), *numbers)


def send(connection, reply, keep=True):
    connection.send(reply.bytes())
    return f'{reply.status}, {len(reply.sent_body())} bytes', keep


def send_part(connection, reply, length):
    """The head and so many bytes of the body; tells whether that was all."""
    connection.send(reply.head() + reply.sent_body()[:length])
    return length >= len(reply.sent_body())


def send_right(connection, request, content):
    return send(connection, Reply(request, content))


@fault('die', 1)
def die(connection, request, content, length):
    """A reset after so many bytes of each response: who resumes comes on."""
    if send_part(connection, Reply(request, content), length):
        return 'all of it', True
    connection.reset()
    return f'reset after {length} bytes', False


@fault('truncate', 1)
def truncate(connection, request, content, length):
    """The end after so many bytes, the first time."""
    if times_before(connection, request):
        return send_right(connection, request, content)
    send_part(connection, Reply(request, content), length)
    return f'ended after {length} bytes', False


@fault('always-truncate', 1)
def always_truncate(connection, request, content, length):
    """The same each time, from the first byte: nobody ever comes on."""
    send_part(connection, Reply(request, content, ranges=False), length)
    return f'ended after {length} bytes', False


@fault('too-long')
def too_long(connection, request, content):
    """Content-Length tells of 1,000 bytes more than there are."""
    reply = Reply(request, content)
    reply.fields['Content-Length'] = str(len(reply.body) + 1000)
    send(connection, reply)
    return 'ended 1000 bytes early', False


@fault('too-short')
def too_short(connection, request, content):
    """Content-Length tells of 1,000 bytes less than are sent: the rest looks like the start of the next response."""
    reply = Reply(request, content)
    reply.fields['Content-Length'] = str(max(0, len(reply.body) - 1000))
    send(connection, reply)
    return '1000 bytes too many', True


@fault('wrong-range')
def wrong_range(connection, request, content):
    """Another range than the one asked for, and its bytes; to whoever asks for none, too."""
    reply = Reply(request, content)
    first = max(0, reply.first - 1) or 1
    reply.status, reply.body = 206, content[first:first + len(reply.body)]
    reply.fields['Content-Length'] = str(len(reply.body))
    reply.fields['Content-Range'] = f'bytes {first}-{first + len(reply.body) - 1}/{len(content)}'
    return send(connection, reply)


@fault('ignore-range')
def ignore_range(connection, request, content):
    return send(connection, Reply(request, content, ranges=False))


@fault('garbage')
def garbage(connection, request, content):
    connection.send(random.Random(len(content)).randbytes(5000))
    return 'garbage', False


@fault('big-head', 1)
def big_head(connection, request, content, length):
    """A head of so many bytes, with the body right behind it."""
    reply = Reply(request, content)
    missing = length - len(reply.head())
    while missing >= 40:
        fill = missing if missing < 200 else 100
        name = f'X-Filler-{missing}'
        reply.fields[name] = 'x' * (fill - len(name) - len(': \r\n'))
        missing -= fill
    send(connection, reply)
    return f'a head of {len(reply.head())} bytes', True


@fault('split-head')
def split_head(connection, request, content):
    """The head in segments of 1 to 100 bytes, the body with the last of them."""
    reply = Reply(request, content)
    head = reply.head()
    connection.send_pieces(head[:-1], lambda: random.randint(1, 100), 0.002)
    connection.send(head[-1:] + reply.sent_body())
    return 'head in pieces', True


@fault('stall', 1)
def stall(connection, request, content, length):
    """So many bytes, and then nothing for a minute."""
    if send_part(connection, Reply(request, content), length):
        return 'all of it', True
    connection.wait_for_end(60)
    return f'stalled after {length} bytes', False


@fault('slow')
def slow(connection, request, content):
    reply = Reply(request, content)
    connection.send(reply.head())
    connection.send_pieces(reply.sent_body(), lambda: 1024, 0.002)
    return 'slowly', True


@fault('tiny')
def tiny(connection, request, content):
    connection.send_pieces(Reply(request, content).bytes(), lambda: random.randint(1, 1000))
    return 'in tiny pieces', True


@fault('chunked')
def chunked(connection, request, content):
    reply = Reply(request, content, ranges=False)
    del reply.fields['Content-Length']
    reply.fields['Transfer-Encoding'] = 'chunked'
    body, at = b'', 0
    while at < len(content):
        chunk = content[at:at + random.randint(1, 5000)]
        body += b'%x\r\n%s\r\n' % (len(chunk), chunk)
        at += len(chunk)
    reply.body = body + b'0\r\n\r\n'
    return send(connection, reply)


@fault('gzip')
def compressed(connection, request, content):
    reply = Reply(request, gzip.compress(content, 1), ranges=False)
    reply.fields['Content-Encoding'] = 'gzip'
    return send(connection, reply)


@fault('no-length')
def no_length(connection, request, content):
    """The end of the connection is the end of the object."""
    reply = Reply(request, content, ranges=False)
    del reply.fields['Content-Length']
    reply.fields['Connection'] = 'close'
    return send(connection, reply, keep=False)


@fault('503', 1)
def unavailable(connection, request, content, times):
    if times_before(connection, request) >= times:
        return send_right(connection, request, content)
    reply = Reply(request, b'busy\n', ranges=False)
    reply.status = 503
    reply.fields['Retry-After'] = '0'
    return send(connection, reply)


def inverted(content):
    return content.translate(bytes(range(255, -1, -1)))


def changed(connection, request, content, later, length, conditions):
    if times_before(connection, request):
        return send(connection, Reply(request, later, conditions=conditions))
    send_part(connection, Reply(request, content), length)
    return f'ended after {length} bytes of the first version', False


@fault('change', 1)
def change(connection, request, content, length):
    """So many bytes of the object, and later another one of its size: every bit is the other one."""
    return changed(connection, request, content, inverted(content), length, True)


@fault('change-anyway', 1)
def change_anyway(connection, request, content, length):
    """The same from a server that heeds no If-Range: only its ETag tells."""
    return changed(connection, request, content, inverted(content), length, False)


@fault('grow', 1)
def grow(connection, request, content, length):
    """The later one is longer, too."""
    return changed(connection, request, content, inverted(content) + content[:1000], length, True)


@fault('close')
def close(connection, request, content):
    reply = Reply(request, content)
    reply.fields['Connection'] = 'close'
    return send(connection, reply, keep=False)


@fault('drop')
def drop(connection, request, content):
    """Says nothing of it, but ends the connection after each response."""
    return send(connection, Reply(request, content), keep=False)


@fault('100')
def informational(connection, request, content):
    """Heads of 1xx come first."""
    hints = b'HTTP/1.1 103 Early Hints\r\nLink: </next>; rel=preload\r\n\r\n'
    connection.send(b'HTTP/1.1 100 Continue\r\n\r\n' + hints + Reply(request, content).bytes())
    return 'after 100 and 103', True
