# SPDX-License-Identifier: BSD-3-Clause
"""Requests, right responses and ways to end a connection: what the replies of fault_server.py are made of."""
import fcntl
import hashlib
import re
import select
import socket
import struct
import termios
import time

LARGEST_HEAD = 65536
REASONS = {200: 'OK', 206: 'Partial Content', 404: 'Not Found', 412: 'Precondition Failed',
           416: 'Range Not Satisfiable', 503: 'Service Unavailable'}


class Broken(Exception):
    """The client ended the connection in the midst of a response."""

    def __init__(self, request, why):
        super().__init__(why)
        self.request = request


class Request:
    def __init__(self, head):
        line, *lines = head.decode('latin-1').split('\r\n')
        self.method, self.target, _ = line.split(' ', 2)
        pairs = (field.split(':', 1) for field in lines if ':' in field)
        self.fields = {name.strip().lower(): value.strip() for name, value in pairs}


class Connection:
    def __init__(self, sock, peer):
        self.sock, self.peer = sock, peer
        self.rest = b''  # received and not yet used
        self.request = None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read_request(self):
        """None at the end of the connection."""
        while b'\r\n\r\n' not in self.rest:
            more = self.sock.recv(65536)
            if not more or len(self.rest) > LARGEST_HEAD:
                return None
            self.rest += more
        head, self.rest = self.rest.split(b'\r\n\r\n', 1)
        self.request = Request(head)
        return self.request

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Broken(self.request, f'the client has ended it: {error.strerror}') from error

    def send_pieces(self, data, lengths, pause=0.0):
        """Each piece a write of its own; lengths is asked for each."""
        at = 0
        while at < len(data):
            step = lengths()
            self.send(data[at:at + step])
            at += step
            if pause:
                time.sleep(pause)

    def drain(self):
        """Waits until the client's kernel has all that was sent: a reset throws away what is not there yet."""
        for _ in range(500):
            if struct.unpack('i', fcntl.ioctl(self.sock, termios.TIOCOUTQ, b'\0' * 4))[0] == 0:
                return
            time.sleep(0.01)

    def reset(self):
        self.drain()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def wait_for_end(self, seconds):
        """Until the client hangs up, at most so long."""
        hung_up = select.poll()
        hung_up.register(self.sock, select.POLLRDHUP)
        hung_up.poll(seconds * 1000)


def parse_range(text, size):
    """The first byte and the one after the last; None for all; an empty range where there are no such bytes."""
    match = re.fullmatch(r'bytes=(\d*)-(\d*)', text or '')
    if not match or match.groups() == ('', ''):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    end = min(size, int(last) + 1) if last else size
    return (int(first), end) if int(first) < end else (0, 0)


class Reply:
    """A right response to a request for an object: faults change it, or the way it is sent."""

    def __init__(self, request, content, ranges=True, conditions=True):
        self.status, self.whole = 200, content
        self.etag = '"' + hashlib.sha256(content).hexdigest()[:16] + '"'
        self.fields = {'Server': 'faults', 'ETag': self.etag, 'Content-Type': 'application/octet-stream'}
        self.first, self.end = 0, len(content)
        if ranges:
            self.fields['Accept-Ranges'] = 'bytes'
            self.take_range(request, conditions)
        self.body = content[self.first:self.end]
        if conditions and request.fields.get('if-match', self.etag) not in (self.etag, '*'):
            self.status, self.body = 412, b''
            self.fields.pop('Content-Range', None)
        self.fields['Content-Length'] = str(len(self.body))
        self.bodiless = request.method == 'HEAD'

    def take_range(self, request, conditions):
        wanted = parse_range(request.fields.get('range'), len(self.whole))
        if wanted is None or conditions and request.fields.get('if-range', self.etag) != self.etag:
            return
        self.first, self.end = wanted
        self.status = 206 if self.end else 416
        self.fields['Content-Range'] = self.content_range(self.first) if self.end else f'bytes */{len(self.whole)}'

    def content_range(self, first):
        return f'bytes {first}-{first + self.end - self.first - 1}/{len(self.whole)}'

    def head(self):
        lines = [f'HTTP/1.1 {self.status} {REASONS[self.status]}']
        lines += [f'{name}: {value}' for name, value in self.fields.items()]
        return '\r\n'.join(lines + ['', '']).encode()

    def sent_body(self):
        return b'' if self.bodiless else self.body

    def bytes(self):
        return self.head() + self.sent_body()
