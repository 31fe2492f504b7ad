#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that mean harm, or are only broken, as the mail service meets them when it delivers: what
leaves us, what they say, how they behave, where mail may go round in circles, what DNS says of
them, and how well the connection must be secured."""

import email
import email.policy
import os
import pathlib
import re
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import unittest

from support.hostile import ENDINGS, ENVELOPE, GOOD, HostileTest, Wire, reset
from support.relay import Sink
from support.servers import Nsd, free_port, wait_for

ANSWERS = {'CONNECT': b'220 host ESMTP\r\n', 'EHLO': b'250-host\r\n250 PIPELINING\r\n',
           'MAIL': b'250 OK\r\n', 'RCPT': b'250 OK\r\n', 'DATA': b'354 go on\r\n',
           'DOT': b'250 taken\r\n', 'QUIT': b'221 bye\r\n', 'RSET': b'250 OK\r\n',
           'STARTTLS': b'220 go on\r\n'}
SECURED = b'(from here on it is TLS)'
STEPS = ['CONNECT', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'DOT']


def host_script(context=None, **answers):
    """A host that answers as ANSWERS and `answers` say: bytes; None to leave; or a function of the
    connection, that says whether to go on. Returns what came through: (commands, raw message)."""
    answers = dict(ANSWERS, **answers)

    def script(connection, lines):
        commands = []

        def answer(step):
            reply = answers[step]
            if callable(reply):
                return reply(connection)
            if reply is not None:
                connection.sendall(reply)
            return reply is not None

        if not answer('CONNECT'):
            return None
        while True:
            line = lines.readline()
            if not line:
                return None
            commands.append(line)
            verb = line.split()[0].split(b':')[0].upper().decode() if line.split() else ''
            if verb not in answers:
                connection.sendall(b'502 no\r\n')
                continue
            if not answer(verb) or verb == 'QUIT':
                return None
            if verb == 'STARTTLS' and context is not None:
                connection = context.wrap_socket(connection, server_side=True)
                lines = connection.makefile('rb')
                commands.append(SECURED)
            if verb == 'DATA':
                raw = b''
                while not raw.endswith(b'\r\n.\r\n') and raw != b'.\r\n':
                    byte = lines.read1(1 << 16) if hasattr(lines, 'read1') else lines.read(1)
                    if not byte:
                        return None
                    raw += byte
                if answer('DOT'):
                    script.taken.append((commands, raw))
                    return commands, raw
                return None

    script.taken = []
    return script


def report(raw):
    """The fields about each recipient, of a delivery report."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return [dict(part.items()) for part in list(message.iter_parts())[1].get_payload()[1:]]


class Outward(HostileTest):
    def assert_clean(self, raw):
        """One message, and nothing in it that anybody could take for its end."""
        self.assertNotRegex(raw, rb'\r(?!\n)|(?<!\r)\n|\0')
        self.assertEqual(raw.count(b'\r\n.\r\n'), 1, raw)
        self.assertTrue(raw.endswith(b'\r\n.\r\n'))

    def test_endings_do_not_pass(self):
        """What comes in with a malformed ending does not go out, by DATA, BDAT or in pieces."""
        host = self.host(host_script())
        relay = self.relay(routes=host.forward())
        envelope = ENVELOPE.replace(b'anna@example.com', b'p@partner.example')
        expected = 0
        for name, (ending, text) in ENDINGS.items():
            content = (b'Subject: %s\r\n\r\nHi' % name.encode() + ending +
                       b'MAIL FROM:<evil@a>\r\nx\r\n')
            for bdat in [False, True]:
                with self.subTest(name, bdat=bdat), Wire(relay.port) as wire:
                    wire.begin(envelope)
                    if bdat:
                        wire.send(b'BDAT 40\r\n' + content[:40])
                        reply = wire.reply()
                        if reply.startswith(b'250 '):
                            wire.send(b'BDAT %d LAST\r\n' % (len(content) - 40) + content[40:])
                            reply = wire.reply()
                    else:
                        wire.say(b'DATA')
                        wire.send(content + b'\r\n.\r\n')
                        reply = wire.reply()
                    self.assert_reply(reply, b'250 ' if text else b'55')
                    expected += text
        self.send(relay, to=b'p@partner.example', message=GOOD)
        for _ in range(expected + 1):
            _, raw = host.seen.get(timeout=20)
            self.assert_clean(raw)
            self.assertRegex(raw, rb'\r\nSubject: (good|CRLF.SP CRLF)\r\n')
        self.assertTrue(host.seen.empty())

    # What is allowed to pass must arrive as it was, whichever way it came.
    BODIES = {
        'dots': b'.\r\n..\r\n...\r\n. \r\n.x\r\n', 'a dot at the end': b'x\r\n.', 'no line end': b'x',
        'nothing': b'', 'only lines': b'\r\n' * 50, 'a dot after a long line':
        b'x' * 65530 + b'\r\n.\r\n', 'dots at every place': b'.\r\n' * 40000,
    }

    def test_dots_are_stuffed(self):
        host = self.host(host_script())
        relay = self.relay(routes=host.forward())
        for name, body in self.BODIES.items():
            content = b'Subject: dots\r\n\r\n' + body
            with self.subTest(name), Wire(relay.port) as wire:
                wire.begin(ENVELOPE.replace(b'anna@example.com', b'p@partner.example'))
                wire.send(b'BDAT %d LAST\r\n' % len(content) + content)
                self.assert_reply(wire.reply(), b'250 ')
                _, raw = host.seen.get(timeout=20)
                self.assertNotRegex(raw, rb'\r(?!\n)|(?<!\r)\n')
                lines = raw[:-3].split(b'\r\n\r\n', 1)[1].split(b'\r\n')
                self.assertFalse([line for line in lines if line == b'.'])
                came = b'\r\n'.join(line[1:] if line[:1] == b'.' else line for line in lines)
                self.assertEqual(came, body + (b'' if body.endswith(b'\r\n') or not body
                                               else b'\r\n'))


class Replies(HostileTest):
    # name: what the host says to RCPT
    SAID = {
        'a CR within (CVE-2020-8794)': b'550 5.1.1 no\rAction: delivered\r\n',
        'an LF within': b'550 5.1.1 no\nAction: delivered\r\n',
        'NUL': b'550 5.1.1 no\0\0Action: delivered\r\n',
        'LF only': b'550 5.1.1 no\n',
        'many lines': b'550-no\r\n' * 300 + b'550 no\r\n',
        '100000 lines': b'550-no\r\n' * 100000 + b'550 no\r\n',
        'no last line': b'550-5.1.1 no\r\n550-5.1.1 never\r\n',
        'no line end': b'550 5.1.1 no',
        'a long line': b'550 5.1.1 ' + b'x' * 100000 + b'\r\n',
        'an escape': b'550 5.1.1 \x1b[2J\x1b]0;evil\x07\r\n',
        'not UTF-8': b'550 5.1.1 \xff\xfe\xc0\x80\r\n',
        'C1 controls': b'550 5.1.1 \xc2\x85Action: delivered\xc2\x9b2J\r\n',
        'a separator of lines': b'550 5.1.1 no\xe2\x80\xa8Action: delivered\r\n',
        'codes that differ': b'550-no\r\n250 yes\r\n',
        'a code of two': b'55 no\r\n', 'no code': b'no\r\n', 'nothing': b'\r\n',
        'four digits': b'5500 no\r\n', 'code 000': b'000 no\r\n', 'code 999': b'999 no\r\n',
        'code 199': b'199 no\r\n', 'a signed code': b'-50 no\r\n',
        'a status that differs': b'550 2.0.0 delivered\r\n',
        'a status that is none': b'550 5.99999.99999 no\r\n',
        'a field for the report': b'550-5.1.1 no\r\n550-Action: delivered\r\n'
                                  b'550-\r\n550 Final-Recipient: rfc822; x@y\r\n',
        'a boundary': b'550-5.1.1 no\r\n550---\r\n550 --=_x--\r\n',
        'formats': b'550 5.1.1 %s%n%x ${run{id}} $(id) `id`\r\n',
        'a log': b'550 5.1.1 no" event=delivered id="1\r\n',
    }

    def test_replies(self):
        """Whatever it was, the sender gets one report, in which all stands in its field."""
        hosts = {name: self.host(host_script(RCPT=said if said.endswith(b'\n') else
                                             self.say_and_leave(said), EHLO=b'250 host\r\n'))
                 for name, said in self.SAID.items()}
        hosts['no last line'].scripts = [host_script(RCPT=self.say_and_leave(
            self.SAID['no last line']), EHLO=b'250 host\r\n')]
        names = dict(enumerate(hosts))
        relay = self.relay(timeout='2s', retry='1s', routes=''.join(
            hosts[name].forward(f'n{n}.example') for n, name in names.items()))
        for n in names:
            self.send(relay, to=b'p@n%d.example' % n, sender=b'anna@example.com', message=GOOD)
        messages = relay.wait_messages('anna@example.com', len(names), deadline=60)
        self.assertEqual(len(messages), len(names))
        for raw in messages:
            fields, = report(raw)
            name = names[int(re.search(r'@n(\d+)\.', fields['Final-Recipient']).group(1))]
            with self.subTest(name):
                self.assertEqual(fields['Action'], 'failed')
                self.assertRegex(fields['Status'], r'^[45]\.\d{1,3}\.\d{1,3}$')
                self.assertEqual(len(re.findall(rb'^(Action|Final-Recipient|Status): ', raw, re.M)),
                                 3, raw)
                self.assertNotRegex(raw, rb'[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xa8')
                self.assertLess(len(raw), 200000)
                self.assertTrue(all(len(line) <= 998 for line in raw.split(b'\n')), name)
        for line in relay.log:
            self.assertNotRegex(line, '[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]')
            self.assertRegex(line, r'^(ready$|pointsman-relayd: )')
            self.assertLess(len(line), 130000)

    def say_and_leave(self, said):
        def leave(connection):
            connection.sendall(said)
            return False
        return leave

    def test_what_is_stored(self):
        """Nothing that the host said gets into the queue as it was."""
        host = self.host(host_script(RCPT=b'450 4.2.1 a\rb\0c\x1b[2Jd\xc2\x85e\r\n',
                                     EHLO=b'250 host\r\n'))
        relay = self.relay(routes=host.forward(), retry='1h')
        self.send(relay, to=b'p@partner.example', message=GOOD)
        relay.wait_logged('deferred', 'to=p@partner.example')
        relay.stop()
        with sqlite3.connect(relay.state / 'queue' / 'queue.db') as queue:
            dump = '\n'.join(queue.iterdump())
        queue.close()
        self.assertIn('450', dump)
        self.assertNotRegex(dump, '[\x00-\x08\x0b-\x1f\x7f-\x9f]')

    def test_reports_that_leave(self):
        """A report with such a reply in it goes out as clean as any other message."""
        bad = self.host(host_script(RCPT=b'550-5.1.1 .\r\n550 5.1.1 a\rb\nMAIL FROM:<>\r\n.\r\n',
                                    EHLO=b'250 host\r\n'))
        home = self.host(host_script())
        relay = self.relay(routes=bad.forward() + home.forward('home.example'), timeout='2s')
        self.send(relay, to=b'p@partner.example', sender=b'h@home.example', message=GOOD)
        commands, raw = home.seen.get(timeout=30)
        self.assertIn(b'MAIL FROM:<>', b''.join(commands))
        self.assertNotRegex(raw, rb'\r(?!\n)|(?<!\r)\n|\0')
        self.assertEqual(raw.count(b'\r\n.\r\n'), 1)


class Behaviour(HostileTest):
    def check(self, cases, deadline=40):
        """Each host misbehaves in the first session and is polite in the next; mail to others goes
        through at once, and in the end every message has arrived once."""
        polite = {name: host_script() for name in cases}
        hosts = {name: self.host(script, polite[name]) for name, script in cases.items()}
        good = self.host(host_script())
        numbers = dict(enumerate(hosts))
        relay = self.relay(routes=good.forward('good.example') + ''.join(
            hosts[name].forward(f'n{n}.example') for n, name in numbers.items()))
        for n in numbers:
            self.send(relay, to=b'p@n%d.example' % n, message=GOOD)
        wait_for(lambda: all(host.sessions for host in hosts.values()), 'all sessions')
        self.send(relay, to=b'g@good.example', message=GOOD)
        good.seen.get(timeout=20)
        return relay, numbers, hosts, polite

    def all_arrive(self, relay, numbers, hosts, polite):
        for n, name in numbers.items():
            with self.subTest(name):
                wait_for(lambda: polite[name].taken, f'{name}: the message arrives', 40,
                         relay.process)
        for n, name in numbers.items():
            with self.subTest(name):
                relay.wait_logged('relayed', f'to=p@n{n}.example')
                self.assertEqual(len(polite[name].taken), 1)
                self.assertEqual(sum('relayed' in line and f'to=p@n{n}.example' in line
                                     for line in relay.log), 1)

    def test_leaves(self):
        """It closes, or resets, in each step, without a word or within one."""
        cases = {}
        for step in STEPS:
            def leave(connection):
                return False

            def break_off(connection):
                reset(connection)
                return False

            def half(connection, step=step):
                connection.sendall(ANSWERS[step][:3])
                return False

            def first_line(connection, step=step):
                connection.sendall(ANSWERS[step][:3] + b'-more\r\n')
                return False

            for name, way in {'closes': leave, 'resets': break_off, 'half a reply': half,
                              'one line of two': first_line}.items():
                cases[f'{name} at {step}'] = host_script(**{step: way})
        self.all_arrive(*self.check(cases))

    def test_says_what_it_should_not(self):
        """Replies out of order, of another kind, or of no kind: the mail waits, or is tried again."""
        wrong = {'354 to it': b'354 go on\r\n', '334 to it': b'334 eA==\r\n', 'garbage':
                 bytes(range(128, 256)) * 3 + b'\r\n', 'the web': b'HTTP/1.1 400 Bad\r\n\r\n',
                 '421': b'421 4.3.2 leaving\r\n', '199': b'199 what\r\n', 'zeros': b'\0' * 5000,
                 'babble': b'abcdefgh' * 100000}
        cases = {}
        for step in STEPS:
            for name, said in wrong.items():
                if (step, name) == ('DATA', '354 to it'):
                    continue

                def say(connection, said=said):
                    connection.sendall(said)
                    return False

                cases[f'{name} at {step}'] = host_script(**{step: say})
        cases['250 to DATA'] = host_script(DATA=lambda c: c.sendall(b'250 OK\r\n'))
        cases['endless lines'] = host_script(EHLO=b'250-x\r\n' * 200000)
        self.all_arrive(*self.check(cases))

    EARLY = {
        'all replies at the greeting': dict(CONNECT=b''.join(ANSWERS[s] for s in STEPS)),
        'the end with 354': dict(DATA=b'354 go on\r\n250 taken\r\n'),
        'the end with RCPT': dict(RCPT=b'250 OK\r\n354 go on\r\n250 taken\r\n'),
        'EHLO with the greeting': dict(CONNECT=b'220 host\r\n250 host\r\n'),
        'MAIL with EHLO': dict(EHLO=b'250 host\r\n250 OK\r\n250 OK\r\n354 go\r\n250 taken\r\n'),
    }

    def test_replies_before_their_commands(self):
        """Nothing is delivered by a word that was said before the message was sent."""
        def leave(connection):
            return False

        for name, early in self.EARLY.items():
            for size in [10, 500000]:
                with self.subTest(name, size=size):
                    script = host_script(**dict(early, DOT=leave))
                    host = self.host(script)
                    relay = self.relay(routes=host.forward(), retry='1h')
                    self.send(relay, to=b'p@partner.example',
                              message=GOOD + (b'y' * 78 + b'\r\n') * (size // 80))
                    relay.wait_logged('deferred', 'to=p@partner.example')
                    self.assertFalse(relay.logged('relayed'), relay.log)

    def test_hangs(self):
        """It says nothing any more, in any step: others are served, the service leaves when told,
        and afterwards the message is still there."""
        forever = threading.Event()
        self.addCleanup(forever.set)

        def hang(connection):
            forever.wait()
            return False

        def drip(connection):
            # A byte now and then is no reply.
            while not forever.wait(0.2):
                connection.sendall(b'2')
            return False

        def drip_lines(connection):
            while not forever.wait(0.2):
                connection.sendall(b'250-more\r\n')
            return False

        def deaf(connection):
            connection.sendall(b'354 go on\r\n')
            forever.wait()
            return False

        cases = {f'{name} at {step}': host_script(**{step: way}) for step in STEPS
                 for name, way in {'hangs': hang, 'drips': drip}.items()}
        cases['drips lines at EHLO'] = host_script(EHLO=drip_lines)
        cases['does not read'] = host_script(DATA=deaf)
        relay, numbers, hosts, polite = self.check(cases)
        self.assertFalse([line for line in relay.log if ': relayed ' in line and
                          'good.example' not in line])
        self.assertEqual(relay.stop(), 0)
        forever.set()
        relay.start()
        self.all_arrive(relay, numbers, hosts, polite)


class Loops(HostileTest):
    def test_two_that_point_at_each_other(self):
        """It goes round, is stopped by its Received fields, and is reported once."""
        one, other = self.relay(start=False), self.relay(start=False)
        for relay, next_one in [(one, other), (other, one)]:
            relay.write_site(host=f'mail{relay.port}.example.com',
                             routes='<route domain="loop.example"><forward><host name="127.0.0.1" '
                                    f'port="{next_one.port}"/></forward></route>')
            relay.start()
        self.send(one, to=b'p@loop.example', sender=b'anna@example.com', message=GOOD)
        wait_for(lambda: one.messages('anna@example.com') or other.messages('anna@example.com'),
                 'a report', 60)
        messages = one.messages('anna@example.com') + other.messages('anna@example.com')
        self.assertEqual(len(messages), 1)
        fields, = report(messages[0])
        self.assertEqual((fields['Action'], fields['Status']), ('failed', '5.4.6'))

        def relayed():
            return sum(': relayed ' in line for line in one.log + other.log)
        wait_for(lambda: relayed() >= 99, 'every hop is logged')
        self.assertEqual(relayed(), 99)

    def test_next_host_is_itself(self):
        """A forward to our own port, by its address or by a name, is no way out."""
        for name in ['127.0.0.1', 'localhost', '::ffff:127.0.0.1', '0.0.0.0']:
            with self.subTest(name):
                relay = self.relay(start=False)
                relay.write_site(routes='<route domain="loop.example"><forward><host '
                                        f'name="{name}" port="{relay.port}"/></forward></route>')
                relay.start()
                self.send(relay, to=b'p@loop.example', message=GOOD)
                line = relay.wait_logged('deferred', 'to=p@loop.example')
                if name != 'localhost':  # which is ::1 too, where nobody listens
                    self.assertIn('451 4.4.6 ', line)
                self.assertEqual(sum(': accepted ' in line for line in relay.log), 1)
                # Another host of the list is one.
                other = self.host(host_script())
                relay.write_site(routes='<route domain="loop.example"><forward><host '
                                        f'name="{name}" port="{relay.port}"/>{other.host()}'
                                        '</forward></route>')
                relay.reload()
                other.seen.get(timeout=20)


@unittest.skipUnless(os.path.exists('/usr/sbin/nsd'), 'nsd is not installed')
class Names(HostileTest):
    ZONE = '''$ORIGIN example.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
alive A 127.0.0.8
many {many}
null MX 0 .
nullandmore MX 0 .
nullandmore MX 10 alive
circle MX 10 round
round CNAME around
around CNAME round
long MX 10 c0
{chain}
c20 A 127.0.0.8
tocname MX 10 name
name CNAME alive
selfcname CNAME selfcname
loopback MX 10 lo
lo A 127.0.0.1
any MX 10 zero
zero A 0.0.0.0
six MX 10 lo6
lo6 AAAA ::1
mapped MX 10 m6
m6 AAAA ::ffff:127.0.0.1
localhost MX 10 localhost.
ours MX 10 mail1.example.com.
oursworse MX 10 alive
oursworse MX 20 mail1.example.com.
oursbetter MX 10 mail1.example.com.
oursbetter MX 20 alive
literal MX 10 127.0.0.8.
missing MX 10 nothing
empty TXT "no mail"
broadcast MX 10 all
all A 255.255.255.255
multicast MX 10 group
group A 224.0.0.1
'''

    # domain: the status of its report, or None where the mail arrives, or 'waits'
    FAR = {
        'many': None, 'null': '5.1.10', 'nullandmore': None, 'circle': 'waits', 'tocname': None,
        'long': 'waits', 'selfcname': 'waits', 'ours': '5.4.6', 'oursworse': None,
        'oursbetter': '5.4.6', 'missing': '5.', 'empty': '5.', 'nowhere': '5.1.2',
        'broadcast': '5.', 'multicast': '5.', 'any': '5.', 'broken': 'waits', 'literal': 'waits',
    }
    # Where MX hosts are reached at a port that is ours, as with 25.
    NEAR = {'loopback': '5.4.6', 'any': '5.4.6', 'six': '5.4.6', 'mapped': '5.4.6',
            'localhost': '5.4.6', 'ours': '5.4.6'}

    def setUp(self):
        zone = self.ZONE.format(
            many='\nmany '.join(f'MX {n + 1} host{n}' for n in range(999)) + '\nmany MX 0 alive',
            chain='\n'.join(f'c{n} CNAME c{n + 1}' for n in range(20)))
        # What nsd cannot read it answers with SERVFAIL.
        self.nsd = Nsd({'example': zone, 'broken.example': 'this is no zone'})
        self.addCleanup(self.nsd.close)
        self.sink = Sink(address='127.0.0.8')
        self.addCleanup(self.sink.close)

    def test_what_dns_says(self):
        self.check(self.FAR, free_port())

    def test_hosts_that_are_this_one(self):
        self.check(self.NEAR, self.sink.port)

    def check(self, expected, port):
        relay = self.relay(start=False, retry='1h')
        relay.options = ['--no-bus', '--dns-server', f'127.0.0.1@{self.nsd.port}', '--mx-port',
                         str(self.sink.port)]
        relay.port = port
        relay.write_site()
        relay.start()
        for domain in expected:
            self.send(relay, to=f'p@{domain}.example'.encode(), sender=b'anna@example.com',
                      message=GOOD)
        wait_for(lambda: len({m for line in list(relay.log) for m in re.findall(
            r': (?:relayed|deferred|bounced) .*to=p@(\w+)\.example', line)}) == len(expected),
                 'a word about each', 60, relay.process)
        failed = [d for d, status in expected.items() if status and status != 'waits']
        for domain, status in expected.items():
            with self.subTest(domain):
                word = {None: 'relayed', 'waits': 'deferred'}.get(status, 'bounced')
                self.assertTrue(relay.logged(f': {word} ', f'to=p@{domain}.example'),
                                [line for line in relay.log if f'{domain}.example' in line])
        statuses = {}
        for raw in relay.wait_messages('anna@example.com', len(failed)):
            fields, = report(raw)
            statuses[fields['Final-Recipient'].split('@')[1].split('.')[0]] = fields['Status']
        for domain in failed:
            with self.subTest(domain):
                self.assert_reply(statuses.get(domain, ''), expected[domain])
        self.assertEqual(sum(': accepted ' in line for line in relay.log), len(expected))

    def test_dead_dns(self):
        """Nothing is known of the domain: the mail waits, and nobody gets a report."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(('127.0.0.1', 0))
            relay = self.relay('--no-bus', '--dns-server', f'127.0.0.1@{deaf.getsockname()[1]}',
                               retry='1h')
            self.send(relay, to=b'p@many.example', sender=b'anna@example.com', message=GOOD)
            line = relay.wait_logged('deferred', 'to=p@many.example', deadline=60)
            self.assertIn('4.4.3', line)
            self.assertEqual(relay.messages('anna@example.com'), [])


def run_openssl(*words):
    subprocess.run(['openssl', *map(str, words)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Authority:
    """An authority that the service trusts, and what it signs."""

    CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.chain = self.folder / 'authority.pem'
        run_openssl('req', '-x509', *self.CURVE, '-days', 30, '-subj', '/CN=Authority', '-out',
                    self.chain, '-keyout', self.folder / 'authority.key')

    def context(self, name, days=30, signed=True):
        """A host's context with a certificate for the name."""
        base = self.folder / f'{name}-{days}-{signed}'
        key, request, chain, more = (f'{base}.{e}' for e in ['key', 'csr', 'pem', 'ext'])
        pathlib.Path(more).write_text(f'subjectAltName=DNS:{name}\n', encoding='ascii')
        run_openssl('req', *self.CURVE, '-subj', f'/CN={name}', '-out', request, '-keyout', key)
        signer = (['-CA', self.chain, '-CAkey', self.folder / 'authority.key', '-CAcreateserial']
                  if signed else ['-signkey', key])
        run_openssl('x509', '-req', '-in', request, *signer, '-days', days, '-extfile', more,
                    '-out', chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context


def may_mount():
    return subprocess.run(['unshare', '--mount', 'true'], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


@unittest.skipUnless(os.path.exists('/usr/sbin/nsd') and may_mount(), 'needs nsd, and root')
class Downgrade(HostileTest):
    TRUST = '/etc/ssl/certs/ca-certificates.crt'
    NAME = 'mx.partner.example'
    OFFER = b'250-host\r\n250-STARTTLS\r\n250 PIPELINING\r\n'

    # the host: how mail goes by none, opportunistic, required, verify: in clear, by TLS, or not
    EXPECTED = {
        'offers none': ['clear', 'clear', 'waits', 'waits'],
        'refuses it for now': ['clear', 'clear', 'waits', 'waits'],
        'refuses it': ['clear', 'clear', 'waits', 'waits'],
        'injects a reply (CVE-2021-38371)': ['clear', 'clear', 'waits', 'waits'],
        'injects all replies': ['clear', 'clear', 'waits', 'waits'],
        'injects half a line': ['clear', 'clear', 'waits', 'waits'],
        'leaves': ['clear', 'clear', 'waits', 'waits'],
        'speaks no TLS': ['clear', 'clear', 'waits', 'waits'],
        'another name': ['clear', 'tls', 'tls', 'waits'],
        'expired': ['clear', 'tls', 'tls', 'waits'],
        'signs itself': ['clear', 'tls', 'tls', 'waits'],
        'trusted': ['clear', 'tls', 'tls', 'tls'],
    }

    def scripts(self, authority):
        def leave(connection):
            return False

        offer = dict(EHLO=self.OFFER)
        good = authority.context(self.NAME)
        injected = b'220 ready\r\n'
        return {
            'offers none': host_script(),
            'refuses it for now': host_script(STARTTLS=b'454 4.7.0 not now\r\n', **offer),
            'refuses it': host_script(STARTTLS=b'502 5.5.1 no\r\n', **offer),
            'injects a reply (CVE-2021-38371)':
                host_script(good, STARTTLS=injected + b'250 injected\r\n', **offer),
            'injects all replies':
                host_script(good, STARTTLS=injected + b'250 a\r\n' * 3 + b'354 b\r\n250 c\r\n',
                            **offer),
            'injects half a line': host_script(good, STARTTLS=injected + b'250', **offer),
            'leaves': host_script(STARTTLS=leave, **offer),
            'speaks no TLS': host_script(STARTTLS=injected + b'x' * 100, **offer),
            'another name': host_script(authority.context('mx.other.example'), **offer),
            'expired': host_script(authority.context(self.NAME, days=-1), **offer),
            'signs itself': host_script(authority.context(self.NAME, signed=False), **offer),
            'trusted': host_script(good, **offer),
        }

    def test_levels(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = Authority(folder.name)
        nsd = Nsd({'partner.example': '$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n'
                                      'ns A 127.0.0.1\nmx A 127.0.0.1\n'})
        self.addCleanup(nsd.close)
        levels = ['none', 'opportunistic', 'required', 'verify']
        cases, routes = [], ''
        for name in self.EXPECTED:
            for number, level in enumerate(levels):
                script = self.scripts(authority)[name] if not number else cases[-1][2]
                host = self.host(script)
                domain = f'c{len(cases)}.example'
                routes += (f'<route domain="{domain}"><forward><host name="{self.NAME}" '
                           f'port="{host.port}" tls="{level}"/></forward></route>')
                cases.append((name, level, script, host, domain, self.EXPECTED[name][number]))
        relay = self.relay('--no-bus', '--dns-server', f'127.0.0.1@{nsd.port}', start=False,
                           routes=routes, retry='1h')
        relay.launcher = ['unshare', '--mount', 'sh', '-c',
                          f'mount --bind {authority.chain} {self.TRUST} && exec "$@"', 'sh']
        relay.start()
        for *_, domain, _ in cases:
            self.send(relay, to=f'p@{domain}'.encode(), message=GOOD)
        for name, level, _, host, domain, expected in cases:
            with self.subTest(host=name, level=level):
                if expected == 'waits':
                    relay.wait_logged('deferred', f'to=p@{domain}')
                    self.assertFalse(relay.logged(': relayed ', f'to=p@{domain}'))
                    continue
                line = relay.wait_logged(': relayed ', f'to=p@{domain}')
                commands, raw = self.taken(host)
                self.assertEqual(SECURED in commands, expected == 'tls')
                self.assertIn(b'\r\nSubject: good\r\n', raw)

    def taken(self, host):
        """What arrived; sessions that came to nothing are not counted."""
        while True:
            seen = host.seen.get(timeout=20)
            if isinstance(seen, tuple):
                return seen


if __name__ == '__main__':
    unittest.main(verbosity=2)
