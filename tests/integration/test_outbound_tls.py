#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the connections to other hosts are secured: by the site's word, by MTA-STS (RFC 8461), by
DANE (RFC 7672), by the message (RFC 8689). Real DNS with a signed zone, a real HTTPS server."""

import http.server
import pathlib
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from gi.repository import Gio, GLib

from support.relay import Relay
from support.servers import Nsd, wait_for
from support.tls import Authority, TlsSink, tlsa

MESSAGE = 'From: <s@sender.example>\r\nSubject: A test\r\n\r\nHello\r\n'
SOA = '@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n'

# The hosts, each with an address of its own: which certificate they have, and what they offer.
HOSTS = {
    'good': ('good', []), 'self': ('self', []), 'wrong': ('other', []), 'expired': ('expired', []),
    'clear': (None, []), 'strict': ('strict', ['REQUIRETLS']),
}
STS = {  # domain: (mode, host, hosts that the policy names)
    'enforce-good': ('enforce', 'good', 'good'), 'enforce-unnamed': ('enforce', 'good', 'strict'),
    'enforce-self': ('enforce', 'self', 'self'), 'enforce-wrong': ('enforce', 'wrong', 'wrong'),
    'enforce-clear': ('enforce', 'clear', 'clear'), 'testing-self': ('testing', 'self', 'self'),
    'testing-unnamed': ('testing', 'good', 'strict'), 'none-self': ('none', 'self', 'strict'),
    'late': ('enforce', 'self', 'self'),
}
DANE = {  # domain: hosts, the best first
    'right': ['good'], 'wrong': ['self'], 'unoffered': ['clear'], 'second': ['self', 'good'],
    'expired': ['expired'], 'strict': ['good', 'strict'], 'lax': ['good'], 'plain': ['wrong'],
}


def free_port(addresses):
    """One that is free on all of them."""
    while True:
        with socket.create_server((addresses[0], 0)) as probe:
            port = probe.getsockname()[1]
        try:
            for address in addresses:
                socket.create_server((address, port)).close()
            return port
        except OSError:
            continue


class Policies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.headers['Host'])
        domain = self.headers['Host'].split(':')[0].removeprefix('mta-sts.').split('.')[0]
        mode, _, named = STS[domain]
        body = (f'version: STSv1\r\nmode: {mode}\r\nmx: {named}.hosts.test\r\n'
                'max_age: 86400\r\n').encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Web:
    def __init__(self, certificate):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Policies)
        self.server.asked = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Secured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='pm-outbound-tls-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name)
        authority = cls.authority = Authority(cls.root)
        cls.certificates = {
            'good': authority.issue('good', 'good.hosts.test', 'good.dane.test'),
            'strict': authority.issue('strict', 'strict.hosts.test', 'strict.dane.test'),
            'other': authority.issue('other', 'somebody-else.test'),
            'expired': authority.issue('expired', 'expired.hosts.test', days=-2),
            'self': authority.issue('self', 'self.hosts.test', trusted=False),
            'relay': authority.issue('relay', 'mail1.example.com'),
        }
        web = authority.issue('web', *(f'mta-sts.{domain}.sts.test' for domain in STS))
        cls.web = Web(web)
        cls.addClassCleanup(lambda: cls.web.close() if cls.web else None)
        cls.addresses = {name: f'127.0.0.{20 + i}' for i, name in enumerate(HOSTS)}
        cls.port = free_port(list(cls.addresses.values()))
        cls.sinks = {}
        for name, (certificate, extensions) in HOSTS.items():
            sink = TlsSink(cls.certificates.get(certificate), extensions,
                           address=cls.addresses[name], port=cls.port)
            cls.sinks[name] = sink
            cls.addClassCleanup(sink.close)
        cls.nsd = Nsd(cls.make_zones())
        cls.addClassCleanup(cls.nsd.close)

    @classmethod
    def make_zones(cls):
        hosts = ''.join(f'{name} 60 IN A {address}\n' for name, address in cls.addresses.items())
        sts = SOA
        for domain, (_, host, _) in STS.items():
            sts += (f'{domain} 60 IN MX 10 {host}.hosts.test.\n'
                    f'_mta-sts.{domain} 60 IN TXT "v=STSv1; id=1;"\n')
        return {'hosts.test': SOA + hosts, 'sts.test': sts, 'dane.test': cls.sign(hosts)}

    @classmethod
    def sign(cls, hosts):
        zone = '$ORIGIN dane.test.\n' + SOA + hosts
        for domain, names in DANE.items():
            for i, name in enumerate(names):
                zone += f'{domain} 60 IN MX {10 + i} {name}\n'
        keys = {'good': 'good', 'self': 'good', 'expired': 'expired', 'clear': 'good',
                'strict': 'strict'}
        for host, key in keys.items():
            zone += f'_{cls.port}._tcp.{host} 60 IN TLSA {tlsa(cls.certificates[key][0])}\n'
        zone += ('forged 60 IN A 127.0.0.1\nbogus 60 IN MX 10 forged\n')
        (cls.root / 'dane.test').write_text(zone)

        def run(*words):
            return subprocess.run(words, cwd=cls.root, check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.strip()

        key = run('ldns-keygen', '-a', 'ECDSAP256SHA256', '-k', 'dane.test')
        run('ldns-signzone', '-o', 'dane.test', 'dane.test', key)
        cls.anchor = cls.root / f'{key}.key'
        signed = (cls.root / 'dane.test.signed').read_text()
        forged = signed.replace('forged.dane.test.\t60\tIN\tA\t127.0.0.1',
                                'forged.dane.test.\t60\tIN\tA\t127.0.0.20')
        assert forged != signed
        return forged

    def setUp(self):
        for sink in self.sinks.values():
            sink.commands.clear()
            while not sink.taken.empty():
                sink.get()

    def relay(self, *options, bus='--no-bus', **site):
        relay = Relay(bus, '--dns-server', f'127.0.0.1@{self.nsd.port}', '--ca-file',
                      self.authority.path, '--mx-port', str(self.port), '--mta-sts-address',
                      '127.0.0.1', '--mta-sts-port', str(self.web.port), *options, retry='1h',
                      **site)
        self.addCleanup(relay.remove)
        return relay.start()

    def send(self, relay, *recipients, headers='', options=(), tls=False):
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            if tls:
                client.starttls()
                client.ehlo()
            for recipient in recipients:
                client.sendmail('s@sender.example', [recipient], headers + MESSAGE, options)

    def expect(self, relay, address, event, *words):
        line = relay.wait_logged(f'{event} ', f'to={address}')
        for word in words:
            self.assertIn(word, line)
        return line


class MtaSts(Secured):
    ROWS = {
        'enforce-good': ('relayed', ' verified (The MTA-STS policy of enforce-good.sts.test'),
        'enforce-unnamed': ('deferred', 'does not name the host good.hosts.test'),
        'enforce-self': ('deferred', 'self-signed'),
        'enforce-wrong': ('deferred', 'somebody-else.test'),
        'enforce-clear': ('deferred', '4.7.10'),
        'testing-self': ('relayed', 'unverified', 'only being tested'),
        'testing-unnamed': ('relayed', ' verified', 'only being tested'),
        'none-self': ('relayed', 'unverified', 'Nobody asks for more'),
    }

    def test_policies(self):
        relay = self.relay()
        self.send(relay, *(f'p@{domain}.sts.test' for domain in self.ROWS))
        for domain, (event, *words) in self.ROWS.items():
            with self.subTest(domain):
                self.expect(relay, f'p@{domain}.sts.test', event, *words)
        self.assertFalse([c for c in self.sinks['clear'].commands if c.startswith('MAIL')])
        relay.stop()
        self.check_report(relay)
        self.check_restart(relay)

    def check_report(self, relay):
        """Each connection is counted once, under its policy (RFC 8460)."""
        text = '\n'.join(path.read_text() for path in (relay.state / 'tls-report').iterdir())
        for line in ['policy enforce-good.sts.test sts 1', 'policy enforce-self.sts.test sts 0',
                     'failure certificate-not-trusted self.hosts.test 1',
                     'failure certificate-host-mismatch wrong.hosts.test 1',
                     'failure starttls-not-supported clear.hosts.test 1',
                     'failure validation-failure good.hosts.test 1',
                     'policy testing-self.sts.test sts 0',
                     'policy none-self.sts.test no-policy-found 1']:
            self.assertIn(line, text)

    def check_restart(self, relay):
        """Policies are on disk, so that they hold while their server is dead."""
        self.web.close()
        type(self).web = None
        relay.log.clear()
        relay.start()
        self.send(relay, 'q@enforce-self.sts.test', 'q@enforce-good.sts.test', 'q@late.sts.test')
        self.expect(relay, 'q@enforce-self.sts.test', 'deferred', 'self-signed')
        self.expect(relay, 'q@enforce-good.sts.test', 'relayed', ' verified')
        # Nobody knows this one's policy, and mail must not wait for that (RFC 8461 3.3).
        self.expect(relay, 'q@late.sts.test', 'relayed', 'unverified')


class Dane(Secured):
    ROWS = {
        'right': ('relayed', ' verified', 'TLSA records that DNSSEC vouches for'),
        'wrong': ('deferred', 'not the one that its TLSA records announce'),
        'unoffered': ('deferred', '4.7.10'),
        'second': ('relayed', 'good.dane.test', ' verified'),
        'expired': ('relayed', ' verified'),
        'bogus': ('deferred', '4.4.3'),
        'plain': ('relayed', 'unverified'),
    }

    def test_hosts(self):
        relay = self.relay('--trust-anchor', self.anchor)
        self.send(relay, *(f'p@{domain}.dane.test' for domain in self.ROWS))
        for domain, (event, *words) in self.ROWS.items():
            with self.subTest(domain):
                self.expect(relay, f'p@{domain}.dane.test', event, *words)
        # RFC 8689 5: the sender would rather have it there than have it secret.
        self.send(relay, 'no@wrong.dane.test', headers='TLS-Required: No\r\n')
        self.expect(relay, 'no@wrong.dane.test', 'relayed', 'unverified')
        # And what went by that connection did not open it for others.
        self.send(relay, 'then@wrong.dane.test')
        self.expect(relay, 'then@wrong.dane.test', 'deferred')
        self.assertIn('good.dane.test', self.sinks['good'].server_names)

    def test_the_site_may_not_want_it(self):
        relay = self.relay('--trust-anchor', self.anchor, security='<security dane="no"/>')
        self.send(relay, 'p@wrong.dane.test')
        self.expect(relay, 'p@wrong.dane.test', 'relayed', 'unverified')

    def test_name_servers_without_dnssec(self):
        """The default: the root's keys lead nowhere here, and nothing fails for that."""
        relay = self.relay()
        self.assertIn('not in force', relay.wait_logged('dane ', 'state='))
        self.send(relay, 'p@wrong.dane.test', 'p@bogus.dane.test')
        self.expect(relay, 'p@wrong.dane.test', 'relayed', 'unverified')
        self.expect(relay, 'p@bogus.dane.test', 'relayed')

    def test_no_keys_of_the_root(self):
        relay = self.relay('--root-keys', '/nonexistent')
        self.assertIn('no keys of the DNS root', relay.wait_logged('dane ', 'state='))
        self.send(relay, 'p@wrong.dane.test')
        self.expect(relay, 'p@wrong.dane.test', 'relayed', 'unverified')


class AsTold(Secured):
    """TlsPolicy of org.pointsman.Relay1: the answer is what delivery does."""

    ROWS = {  # domain: its hosts, each with the level, names of ours in it, TLSA records, reason
        'enforce-good.sts.test': [('good.hosts.test', 'verify', 0, 'MTA-STS policy')],
        'enforce-unnamed.sts.test': [('good.hosts.test', 'refused', 0, 'does not name the host')],
        'testing-self.sts.test': [('self.hosts.test', 'opportunistic', 0, 'only being tested')],
        'none-self.sts.test': [('self.hosts.test', 'opportunistic', 0, 'Nobody asks for more')],
        'second.dane.test': [('self.dane.test', 'dane', 1, 'DNSSEC'),
                             ('good.dane.test', 'dane', 1, 'DNSSEC')],
        'plain.dane.test': [('wrong.dane.test', 'opportunistic', 0, '')],
    }

    def setUp(self):
        super().setUp()
        self.bus = Gio.TestDBus.new(Gio.TestDBusFlags.NONE)
        self.bus.up()
        self.addCleanup(self.bus.down)
        relay = self.relay('--trust-anchor', self.anchor, bus='--session')
        self.connection = Gio.DBusConnection.new_for_address_sync(
            self.bus.get_bus_address(), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.addCleanup(self.connection.close_sync, None)
        wait_for(lambda: self.call('org.freedesktop.DBus', '/', 'NameHasOwner',
                                   'org.pointsman.Relay1'), 'the name on the bus',
                 process=relay.process)

    def call(self, name, path, method, argument):
        return self.connection.call_sync(name, path, name, method,
                                         GLib.Variant('(s)', (argument,)), None, 0, 20000,
                                         None).unpack()[0]

    def ask(self, domain):
        return self.call('org.pointsman.Relay1', '/org/pointsman/Relay1', 'TlsPolicy', domain)

    def test_policy(self):
        for domain, wanted in self.ROWS.items():
            with self.subTest(domain):
                found = self.ask(domain)
                self.assertEqual([(row['host'], row['level'], row['tlsa']) for row in found],
                                 [row[:3] for row in wanted])
                for row, (*_, reason) in zip(found, wanted):
                    self.assertIn(reason, row['reason'])

    def test_no_hosts(self):
        for domain, error in [('nothing.sts.test', 'NotFound'), ('a b', 'Invalid'),
                              ('', 'Invalid'), ('x' * 300, 'Invalid')]:
            with self.subTest(domain), self.assertRaises(GLib.Error) as caught:
                self.ask(domain)
            self.assertIn(f'org.pointsman.Error.{error}', caught.exception.message)


class Message(Secured):
    """REQUIRETLS (RFC 8689)."""

    def test_requiretls(self):
        chain, key = self.certificates['relay']
        relay = self.relay('--trust-anchor', self.anchor, security=(
            f'<security><certificate chain="{chain}" key="{key}"/></security>'))
        self.send(relay, 'p@strict.dane.test', 'p@lax.dane.test', 'p@none-self.sts.test',
                  options=['REQUIRETLS'], tls=True)
        # The better host does not offer it: the next one does.
        self.expect(relay, 'p@strict.dane.test', 'relayed', 'strict.dane.test', ' verified')
        self.assertIn('REQUIRETLS', self.sinks['strict'].get()[0])
        # No host does: it is returned, and nothing of it was said.
        self.expect(relay, 'p@lax.dane.test', 'bounced', '5.7.30')
        self.expect(relay, 'p@none-self.sts.test', 'bounced', '5.7.30')
        self.assertTrue(self.sinks['good'].taken.empty())


class Site(Secured):
    ROWS = {  # (tls=, host): …
        ('required', 'self'): ('relayed', 'unverified'),
        ('required', 'expired'): ('relayed', 'unverified'),
        ('required', 'clear'): ('deferred', '4.7.10'),
        ('verify', 'good'): ('relayed', ' verified', 'tls=verify'),
        ('verify', 'self'): ('deferred', 'self-signed'),
        ('verify', 'wrong'): ('deferred', 'somebody-else.test'),
        ('verify', 'expired'): ('deferred', 'expired on'),
        ('opportunistic', 'wrong'): ('relayed', 'unverified'),
        ('none', 'good'): ('relayed',),
    }

    def test_hosts(self):
        routes = ''.join(
            f'<route domain="{tls}-{name}.example"><forward><host name="{name}.hosts.test" '
            f'port="{self.port}" tls="{tls}"/></forward></route>' for tls, name in self.ROWS)
        relay = self.relay(routes=routes, diagnostics=(
            '<diagnostics><category name="tls" level="medium"/></diagnostics>'))
        self.send(relay, *(f'p@{tls}-{name}.example' for tls, name in self.ROWS))
        for (tls, name), (event, *words) in self.ROWS.items():
            with self.subTest(f'{tls} {name}'):
                line = self.expect(relay, f'p@{tls}-{name}.example', event, *words)
                if tls == 'none':
                    self.assertNotIn('tls=', line.split('reply=')[0])
        self.assertTrue(relay.logged('tls ', 'what=secured', 'good.hosts.test', 'verified=yes'))
        self.assertTrue(relay.logged('tls ', 'what=failed', 'wrong.hosts.test'))


if __name__ == '__main__':
    unittest.main(verbosity=2)
