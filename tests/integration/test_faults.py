#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail service when what it stands on gives way: a full disk, no descriptors, no memory, a clock
that jumps, DNS that is dead, silent or lies, signals, damaged files. Mail that had its 250 arrives."""

import contextlib
import os
import pathlib
import signal
import smtplib
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from support.relay import RELAYD, Relay, Sink, is_sanitized
from support.servers import free_port, wait_for

FAKETIME = next(pathlib.Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1'), None)


def send(relay, name, to='far@elsewhere.example', size=300):
    """The reply code; None when the connection broke."""
    try:
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=30) as client:
            client.sendmail('anna@example.com', [to],
                            f'Message-ID: <{name}@fault>\r\n\r\n' + ('x' * 70 + '\r\n') * (size // 72))
            return 250
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    except OSError:
        return None


def say_mail(relay):
    with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
        client.ehlo()
        return client.mail('a@example.com', ['SIZE=300'])


class Host(Sink):
    """The next host, which notes the messages by their names."""

    def __init__(self, **script):
        super().__init__(**script)
        self.arrived = []

        def take(message):
            if message[1]:
                self.arrived.append(message[2].split(b'Message-ID: <')[1].split(b'@')[0].decode())
        self.taken.put = take


def queued(relay):
    """How many messages the database has, as whoever opens it next will see it."""
    path = relay.state / 'queue' / 'queue.db'
    with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as database:
        return database.execute('SELECT count(*) FROM messages').fetchone()[0]


class FaultTest(unittest.TestCase):
    def host(self, **script):
        host = Host(**script)
        self.addCleanup(host.close)
        return host

    def relay(self, host=None, options=(), start=True, **site):
        if host is not None:
            site['routes'] = ('<route domain="elsewhere.example"><forward>' + host.host('none') +
                              '</forward></route>')
        relay = Relay('--no-bus', *options, **site)
        self.addCleanup(relay.remove)
        return relay.start() if start else relay

    def all_arrive(self, relay, host, names, deadline=60):
        wait_for(lambda: set(names) <= set(host.arrived), f'{len(names)} messages have arrived',
                 deadline, relay.process)


class Disk(FaultTest):
    def setUp(self):
        """A file system of 24 MB with 400 inodes."""
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pm-fault-'))
        self.addCleanup(self.root.rmdir)
        image, self.mount = self.root / 'image', self.root / 'mount'
        self.mount.mkdir()
        self.addCleanup(self.mount.rmdir)
        self.addCleanup(image.unlink)
        with open(image, 'wb') as file:
            file.truncate(24 << 20)
        for command in (['mkfs.ext4', '-q', '-N', '400', image],
                        ['mount', '-o', 'loop,errors=remount-ro', image, self.mount]):
            if os.geteuid() != 0 or subprocess.run(command, stderr=subprocess.DEVNULL,
                                                   check=False).returncode != 0:
                self.skipTest('needs root, and loop devices')
        self.addCleanup(subprocess.run, ['umount', self.mount], check=True)
        self.open = False
        self.sink = self.host(RCPT=lambda line: '250 2.1.5 OK' if self.open else '450 4.2.0 later')

    def on_disk(self):
        relay = self.relay(self.sink, start=False)
        relay.state = self.mount / 'state'

        def back():
            relay.stop()
            relay.state = relay.root / 'state'
        self.addCleanup(back)
        return relay.start()

    def goes_on(self, relay, names, make_room):
        """With no room: refused at MAIL, what was accepted goes out, and is not sent again."""
        code, text = say_mail(relay)
        self.assertEqual((code, text[:5]), (452, b'4.3.1'))
        relay.wait_logged('disk-full')
        self.open = True
        self.all_arrive(relay, self.sink, names)
        make_room()
        names.append('after')
        wait_for(lambda: send(relay, 'after') == 250, 'mail is taken again', 20, relay.process)
        self.all_arrive(relay, self.sink, names)
        wait_for(lambda: queued(relay) == 0, 'outcomes are recorded', 20, relay.process)
        relay.kill()
        relay.start()
        self.assertEqual(send(relay, 'last'), 250)
        self.all_arrive(relay, self.sink, ['last'])
        self.assertEqual(sorted(self.sink.arrived), sorted(names + ['last']))

    def test_no_bytes(self):
        relay = self.on_disk()
        names = [f'bytes-{n}' for n in range(10)]
        for name in names:
            self.assertEqual(send(relay, name, size=20000), 250)
        filler = self.mount / 'filler'
        with open(filler, 'wb', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        wait_for(lambda: say_mail(relay)[0] == 452, 'mail is refused', 20, relay.process)
        self.goes_on(relay, names, filler.unlink)

    def test_filled_by_mail(self):
        relay = self.on_disk()
        names, refused = [], 0
        while refused < 3:
            code = send(relay, f'fill-{len(names)}', size=300_000)
            self.assertIn(code, (250, 452))
            if code == 250:
                names.append(f'fill-{len(names)}')
            else:
                refused += 1
            self.assertLess(len(names), 100)
        self.assertGreater(len(names), 5)
        self.open = True
        self.all_arrive(relay, self.sink, names)
        wait_for(lambda: send(relay, 'after', size=300_000) == 250, 'mail is taken again', 20,
                 relay.process)
        self.all_arrive(relay, self.sink, ['after'])

    def test_no_inodes(self):
        relay = self.on_disk()
        names = [f'inodes-{n}' for n in range(5)]
        for name in names:
            self.assertEqual(send(relay, name), 250)
        made = []
        try:
            for n in range(1000):
                made.append(self.mount / f'file-{n}')
                made[-1].touch()
        except OSError:
            made.pop()
        wait_for(lambda: say_mail(relay)[0] == 452, 'mail is refused', 20, relay.process)
        self.goes_on(relay, names, lambda: [path.unlink() for path in made])

    def test_turns_read_only(self):
        """As file systems do that find an error: nothing is taken until they are repaired."""
        relay = self.on_disk()
        self.assertEqual(send(relay, 'before', size=100_000), 250)
        device = subprocess.run(['findmnt', '-no', 'SOURCE', self.mount], check=True,
                                capture_output=True, text=True).stdout.strip()
        trigger = pathlib.Path('/sys/fs/ext4', pathlib.Path(device).name, 'trigger_fs_error')
        if not trigger.exists():
            self.skipTest('this kernel cannot be told to find an error')
        trigger.write_text('test\n', encoding='ascii')
        with self.assertRaises(OSError):
            (self.mount / 'file').touch()
        for number in range(3):
            self.assertIn(send(relay, f'during-{number}'), (451, 452))
        self.assertIsNone(relay.process.poll())
        relay.kill()
        subprocess.run(['umount', self.mount], check=True)
        subprocess.run(['fsck.ext4', '-fy', self.root / 'image'], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        subprocess.run(['mount', '-o', 'loop', self.root / 'image', self.mount], check=True)
        self.open = True
        relay.start()
        self.assertEqual(send(relay, 'after'), 250)
        self.all_arrive(relay, self.sink, ['before', 'after'])
        self.assertEqual(sorted(self.sink.arrived), ['after', 'before'])


class Limits(FaultTest):
    def crowd(self, relay, size, count=60):
        """Many clients at once; the names that had a 250."""
        done = []

        def run(number):
            if send(relay, f'crowd-{number}', size=size) == 250:
                done.append(f'crowd-{number}')
        threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return done

    def test_few_descriptors(self):
        for limit in (64, 100, 256):
            with self.subTest(limit):
                host = self.host()
                relay = self.relay(host, start=False)
                relay.launcher = ['prlimit', f'--nofile={limit}:{limit}']
                relay.start()
                done = self.crowd(relay, 100_000)
                self.assertGreater(len(done), 0)
                self.all_arrive(relay, host, done)
                wait_for(lambda: send(relay, 'later') == 250, 'mail is taken', 20, relay.process)
                self.all_arrive(relay, host, ['later'])
                self.assertEqual(relay.stop(), 0)

    def test_little_memory(self):
        """What is refused memory may end, as GLib does; what it had acknowledged arrives then."""
        host = self.host()
        relay = self.relay(host)
        status = pathlib.Path(f'/proc/{relay.process.pid}/status').read_text(encoding='ascii')
        size = next(int(line.split()[1]) for line in status.splitlines()
                    if line.startswith('VmSize'))
        relay.stop()
        for extra in (2, 8, 40):
            relay.launcher = ['prlimit', f'--as={size * 1024 + (extra << 20)}']
            try:
                relay.start()
            except RuntimeError:
                continue  # too little to start with
            done = [f'{name}' for name in self.crowd(relay, 700_000, 30)]
            relay.kill()
            relay.launcher = []
            relay.log.clear()
            relay.start()
            self.all_arrive(relay, host, done)
            relay.stop()
        self.assertTrue(host.arrived)


@unittest.skipUnless(FAKETIME, 'needs libfaketime')
@unittest.skipIf(is_sanitized(), 'libfaketime and AddressSanitizer wait for each other')
class Clock(FaultTest):
    def test_jumps(self):
        for offset in ('+365d', '-1d'):
            with self.subTest(offset):
                self.open, tries = False, []

                def rcpt(line, tries=tries):
                    tries.append(line)
                    return '250 2.1.5 OK' if self.open else '450 4.2.0 later'
                host = self.host(RCPT=rcpt)
                relay = self.relay(host, start=False)
                now = relay.root / 'now'
                now.write_text('+0\n')
                relay.launcher = ['env', f'LD_PRELOAD={FAKETIME}', f'FAKETIME_TIMESTAMP_FILE={now}',
                                  'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1']
                relay.start()
                self.assertEqual(send(relay, 'old'), 250)
                wait_for(lambda: tries, 'a first try')
                relay.wait_logged('deferred')
                before = len(tries)
                self.open = True
                replaced = relay.root / 'then'
                replaced.write_text(offset + '\n')
                replaced.rename(now)
                self.all_arrive(relay, host, ['old'], 30)
                self.assertEqual(send(relay, 'new'), 250)
                self.all_arrive(relay, host, ['new'], 30)
                self.assertLess(len(tries) - before, 8)
                self.assertEqual(relay.messages('anna@example.com'), [])


class NameServer:
    """Answers every question in the same bad way."""

    def __init__(self, mode):
        self.mode, self.asked = mode, threading.Event()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = '127.0.0.1@%d' % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                question, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if not question:
                return
            self.asked.set()
            answer = self.answer(question)
            if answer is not None:
                self.socket.sendto(answer, peer)

    def answer(self, question):
        end = question.index(b'\0', 12) + 5
        # RFC 1035 4.1.1: a response, recursion desired and available, with a code
        head = {'servfail': 0x8182, 'refused': 0x8185, 'nxdomain': 0x8183}.get(self.mode)
        if head is not None:
            return question[:2] + struct.pack('!HHHHH', head, 1, 0, 0, 0) + question[12:end]
        if self.mode == 'garbage':
            return question[:2] + b'\x81\x80' + os.urandom(40)
        if self.mode == 'other-name':
            return (question[:2] + struct.pack('!HHHHH', 0x8180, 1, 1, 0, 0) + b'\x04evil\x00'
                    + question[end - 4:end] + b'\xc0\x0c\x00\x01\x00\x01' + struct.pack('!IH', 60, 4)
                    + b'\x7f\x00\x00\x01')
        return None

    def close(self):
        port = self.socket.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b'', port)
        self.thread.join()
        self.socket.close()


class Dns(FaultTest):
    def test_not_known_waits(self):
        servers = {mode: NameServer(mode)
                   for mode in ('silent', 'servfail', 'refused', 'garbage', 'other-name')}
        relays = {'dead': self.relay(options=['--dns-server', f'127.0.0.1@{free_port()}'])}
        for mode, server in servers.items():
            self.addCleanup(server.close)
            relays[mode] = self.relay(options=['--dns-server', server.address])
        for mode, relay in relays.items():
            self.assertEqual(send(relay, mode, 'x@somewhere.example'), 250)
        for mode, relay in relays.items():
            with self.subTest(mode):
                relay.wait_logged('deferred', 'to=x@somewhere.example', deadline=60)
                self.assertIsNone(relay.logged('bounced'))
                self.assertEqual(relay.messages('anna@example.com'), [])

    def test_known_not_to_be_goes_back(self):
        server = NameServer('nxdomain')
        self.addCleanup(server.close)
        relay = self.relay(options=['--dns-server', server.address])
        self.assertEqual(send(relay, 'gone', 'x@somewhere.example'), 250)
        report, = relay.wait_messages('anna@example.com')
        self.assertIn(b'5.1.2', report)


class Signals(FaultTest):
    def test_started_twice(self):
        relay = self.relay()
        second = subprocess.run([RELAYD, '--config', relay.config, '--state-dir', relay.state,
                                 '--no-bus'], capture_output=True, text=True, timeout=20,
                                check=False)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(str(relay.state), second.stderr)
        self.assertEqual(send(relay, 'still', 'anna@example.com'), 250)
        relay.wait_messages('anna@example.com')

    def test_storm_under_load(self):
        host = self.host()
        relay = self.relay(host)
        acknowledged, stop = [], threading.Event()

        def run(number):
            count = 0
            while not stop.is_set():
                count += 1
                name = f'storm-{number}-{count}'
                if send(relay, name, size=3000) == 250:
                    acknowledged.append(name)
                else:
                    stop.wait(0.05)  # it is being started
        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(8):
                before = len(acknowledged)
                wait_for(lambda: len(acknowledged) > before + 5, 'mail goes through')
                for _ in range(50):
                    relay.process.send_signal(signal.SIGHUP)
                relay.process.send_signal(signal.SIGTERM if number % 2 else signal.SIGKILL)
                for _ in range(5):
                    relay.process.send_signal(signal.SIGTERM)
                relay.process.wait(30)
                relay.reader.join()
                if number % 2:
                    self.assertEqual(relay.process.returncode, 0)
                relay.start()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.all_arrive(relay, host, acknowledged)


class Files(FaultTest):
    def delivers(self, relay, name):
        self.assertEqual(send(relay, name, 'anna@example.com'), 250)
        wait_for(lambda: any(name.encode() in m for m in relay.messages('anna@example.com')),
                 'the message is delivered', 20, relay.process)

    def test_tracking_never_stops_mail(self):
        relay = self.relay()
        self.delivers(relay, 'first')
        relay.stop()
        path, = relay.state.rglob('tracking.db')

        def newer():
            with sqlite3.connect(path) as database:
                database.execute('PRAGMA user_version = 99')
            database.close()

        def directory():
            for old in path.parent.glob('tracking.db*'):
                old.unlink()
            path.mkdir()
        for damage in (lambda: path.write_bytes(b'nonsense' * 5000), path.unlink, newer, directory):
            with self.subTest(damage.__name__):
                damage()
                relay.start()
                self.delivers(relay, f'with-{damage.__name__}'.replace('<lambda>', 'nonsense'))
                relay.stop()

    def test_damaged_queue_is_repaired(self):
        host = self.host(RCPT='450 4.2.0 later')
        relay = self.relay(host)
        names = [f'kept-{n}' for n in range(40)]
        for name in names:
            self.assertEqual(send(relay, name, size=3000), 250)
        relay.stop()
        path = relay.state / 'queue' / 'queue.db'
        database = sqlite3.connect(path)
        database.execute('PRAGMA wal_checkpoint (TRUNCATE)')
        database.close()
        raw = bytearray(path.read_bytes())
        self.assertGreater(len(raw), 10 * 8192)
        half = len(raw) // 16384 * 8192
        raw[half:half + 8192] = b'\xa5' * 8192
        path.write_bytes(raw)
        path.with_name('queue.db-wal').touch()  # as after a crash: then it is checked
        host.script['RCPT'] = '250 2.1.5 OK'
        relay.start()
        relay.wait_logged('queue-repaired', deadline=30)
        wait_for(lambda: len(set(host.arrived)) >= 20, 'what could be read arrives', 30,
                 relay.process)
        self.delivers(relay, 'new')


if __name__ == '__main__':
    socket.setdefaulttimeout(30)
    unittest.main(verbosity=2 if sys.stdout.isatty() else 1)
