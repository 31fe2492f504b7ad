# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests with hostile peers share: a client that sends any bytes, in clear or in TLS that
it controls record by record; a host that does as its script says; and certificates."""

import pathlib
import queue
import re
import socket
import ssl
import struct
import subprocess
import threading
import unittest

from .relay import Relay
from .servers import free_port

DEADLINE = 20

# name: (bytes, whether it is a line of text like any other)
ENDINGS = {
    'LF.LF': (b'\n.\n', False),
    'LF.CRLF': (b'\n.\r\n', False),
    'CRLF.LF': (b'\r\n.\n', False),
    'CRLF.CRCRLF': (b'\r\n.\r\r\n', False),
    'CRCRLF.CRLF': (b'\r\r\n.\r\n', False),
    'CRLF.NUL CRLF': (b'\r\n.\0\r\n', False),
    'CR.CR': (b'\r.\r', False),
    'CR.LF': (b'\r.\n', False),
    'CR.CRLF': (b'\r.\r\n', False),
    'LF.CR': (b'\n.\r', False),
    'CRLF.CR': (b'\r\n.\r', False),
    'CRLF NUL.CRLF': (b'\r\n\0.\r\n', False),
    'CRLF.SP CRLF': (b'\r\n. \r\n', True),
}

ENVELOPE = b'MAIL FROM:<s@sender.example>\r\nRCPT TO:<anna@example.com>\r\n'
SMUGGLED = (b'MAIL FROM:<evil@sender.example>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n'
            b'Subject: smuggled\r\n\r\nx\r\n.\r\n')
GOOD = b'Subject: good\r\n\r\nx\r\n'


def trusting():
    """A client's context that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make_certificate(folder, name):
    """A certificate for the name that vouches for itself: paths of the chain and of the key."""
    chain, key = folder / f'{name}.pem', folder / f'{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=DNS:{name}', '-out', chain, '-keyout', key],
                   check=True, stderr=subprocess.DEVNULL)
    return chain, key


def resident(relay):
    """The bytes of memory that the service has."""
    status = pathlib.Path(f'/proc/{relay.process.pid}/status').read_text(encoding='ascii')
    return int(re.search(r'VmRSS:\s+(\d+)', status).group(1)) * 1024


def reset(connection):
    """Closes it so that the other side gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


class Wire:
    """A client that speaks in bytes. Its TLS lies in memory: what goes out when is its own choice,
    so that it can end TLS in the middle of anything and go on in clear."""

    def __init__(self, port, address='127.0.0.1', greeted=True, tls=False):
        self.socket = socket.create_connection((address, port), timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = None
        self.pending = b''
        if tls:
            self.shake()
        if greeted:
            banner = self.reply()
            assert banner.startswith(b'220 '), banner

    def shake(self, context=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = (context or trusting()).wrap_bio(self.incoming, self.outgoing,
                                               server_hostname='mail1.example.com')
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionError('the service left the handshake') from None
                self.incoming.write(data)
        self.flush()
        self.tls = tls

    def flush(self):
        self.socket.sendall(self.outgoing.read())

    def starttls(self, context=None):
        reply = self.say(b'STARTTLS')
        assert reply.startswith(b'220 '), reply
        self.shake(context)

    def end_tls(self):
        """Sends close_notify, and waits for nothing; what is sent from now on goes out in clear."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()
        self.tls = None

    def send(self, *parts):
        """Each part in a write, and in a TLS record, of its own. The service may be gone."""
        try:
            for part in parts:
                if self.tls is None:
                    self.socket.sendall(part)
                else:
                    self.tls.write(part)
                    self.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send_end(self):
        """No more is sent. The service may be gone."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def read(self):
        """Some more bytes; b'' at the end."""
        while True:
            if self.tls is not None:
                try:
                    return self.tls.read(65536)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    return b''
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return b''
            if self.tls is None:
                return data
            if not data:
                return b''
            self.incoming.write(data)

    def line(self):
        while b'\n' not in self.pending:
            data = self.read()
            if not data:
                line, self.pending = self.pending, b''
                return line
            self.pending += data
        line, _, self.pending = self.pending.partition(b'\n')
        return line + b'\n'

    def reply(self):
        """All lines of a reply; b'' where the service has hung up."""
        lines = [self.line()]
        while lines[-1][3:4] == b'-':
            lines.append(self.line())
        return b''.join(lines)

    def rest(self):
        """All that still comes, up to the end."""
        data, self.pending = self.pending, b''
        while True:
            more = self.read()
            if not more:
                return data
            data += more

    def say(self, command):
        self.send(command + b'\r\n')
        return self.reply()

    def hello(self):
        reply = self.say(b'EHLO c.example')
        assert reply.startswith(b'250'), reply
        return self

    def begin(self, envelope=ENVELOPE):
        self.hello()
        for command in envelope.splitlines():
            reply = self.say(command)
            assert reply.startswith(b'250 '), (command, reply)
        return self

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Host:
    """A host that does with each connection what `script(connection, lines)` does: it gets the
    socket, and a reader of it. What it returns, that is not None, is put into `seen`."""

    def __init__(self, *scripts, address='127.0.0.1', port=0):
        """Several scripts are for the first connections, each one; the last one repeats."""
        self.scripts = list(scripts)
        self.seen = queue.Queue()
        self.sessions = 0
        self.socket = socket.create_server((address, port), backlog=200)
        self.address, self.port = self.socket.getsockname()
        self.open = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def host(self, tls='opportunistic'):
        return f'<host name="{self.address}" port="{self.port}" tls="{tls}"/>'

    def forward(self, domain='partner.example', tls='opportunistic'):
        return f'<route domain="{domain}"><forward>{self.host(tls)}</forward></route>'

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            self.sessions += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection, script), daemon=True).start()

    def _serve(self, connection, script):
        connection.settimeout(DEADLINE)
        try:
            with connection, connection.makefile('rb') as lines:
                seen = script(connection, lines)
        except (OSError, ValueError) as error:
            seen = error
        if seen is not None:
            self.seen.put(seen)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class HostileTest(unittest.TestCase):
    def relay(self, *options, start=True, **site):
        relay = Relay(*options, **site)
        self.addCleanup(relay.remove)
        return relay.start() if start else relay

    def secure_relay(self, launcher=(), **site):
        """With STARTTLS, and a second port with TLS from the first byte."""
        relay = self.relay(start=False, **site)
        relay.launcher = list(launcher)
        relay.tls_port = free_port()
        chain, key = make_certificate(relay.root, 'mail1.example.com')
        relay.write_site(
            listen=f'<listen address="127.0.0.1" port="{relay.port}"/>'
                   f'<listen address="127.0.0.1" port="{relay.tls_port}" tls="implicit"/>',
            security=f'<security><certificate chain="{chain}" key="{key}"/></security>')
        return relay.start()

    def host(self, *scripts, **where):
        host = Host(*scripts, **where)
        self.addCleanup(host.close)
        return host

    def wire(self, relay, **more):
        wire = Wire(more.pop('port', relay.port), **more)
        self.addCleanup(wire.close)
        return wire

    def send(self, relay, to=b'anna@example.com', sender=b's@sender.example',
             message=b'Subject: polite\r\n\r\nHello\r\n'):
        """A message from a polite client, accepted."""
        recipients = b''.join(b'RCPT TO:<%s>\r\n' % r
                              for r in (to if isinstance(to, list) else [to]))
        with Wire(relay.port) as wire:
            wire.begin(b'MAIL FROM:<%s>\r\n' % sender + recipients)
            self.assert_reply(wire.say(b'DATA'), b'354 ')
            wire.send(message + b'.\r\n')
            self.assert_reply(wire.reply(), b'250 ')

    def only_good(self, relay):
        """A message that is sent now is the only one that came."""
        self.send(relay, message=GOOD)
        messages = relay.wait_messages('anna@example.com')
        self.assertEqual([b'\nSubject: good\n' in m for m in messages], [True], messages)

    def assert_reply(self, reply, *starts):
        self.assertTrue(reply.startswith(starts), f'{reply!r} starts with none of {starts!r}')
