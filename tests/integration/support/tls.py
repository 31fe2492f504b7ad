# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, and a scripted host that speaks TLS and lets clients log in."""

import base64
import hashlib
import hmac
import pathlib
import ssl
import subprocess

from .relay import Sink

KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']


def openssl(*words, **options):
    return subprocess.run(['openssl', *words], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, **options).stdout


class Authority:
    """Somebody who signs certificates, in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / 'ca.pem'
        openssl('req', '-x509', *KEY, '-subj', '/CN=Test authority', '-days', '30', '-keyout',
                self.folder / 'ca.key', '-out', self.path)

    def issue(self, name, *names, days=30, trusted=True):
        """(chain, key) for the names; `trusted=False`: self-signed; a negative `days`: expired."""
        chain, key = self.folder / f'{name}.pem', self.folder / f'{name}.key'
        alternative = 'subjectAltName=' + ','.join(f'DNS:{n}' for n in names)
        if not trusted:
            openssl('req', '-x509', *KEY, '-subj', f'/CN={names[0]}', '-addext', alternative,
                    '-keyout', key, '-out', chain)
            return chain, key
        request = self.folder / f'{name}.csr'
        extensions = self.folder / f'{name}.ext'
        extensions.write_text(alternative + '\nextendedKeyUsage=serverAuth\n')
        openssl('req', '-new', *KEY, '-subj', f'/CN={names[0]}', '-keyout', key, '-out', request)
        if days < 0:
            self._sign_expired(request, extensions, chain)
            return chain, key
        openssl('x509', '-req', '-in', request, '-CA', self.path, '-CAkey', self.folder / 'ca.key',
                '-CAcreateserial', '-days', str(days), '-extfile', extensions, '-out', chain)
        return chain, key

    def _sign_expired(self, request, extensions, chain):
        config = self.folder / 'ca.conf'
        (self.folder / 'index').write_text('')
        config.write_text(f'[ca]\ndefault_ca = test\n[test]\ndatabase = {self.folder}/index\n'
                          f'new_certs_dir = {self.folder}\nrand_serial = yes\n'
                          'default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n')
        openssl('ca', '-batch', '-config', config, '-in', request, '-cert', self.path, '-keyfile',
                self.folder / 'ca.key', '-extfile', extensions, '-notext', '-startdate',
                '20200101000000Z', '-enddate', '20210101000000Z', '-out', chain)


def tlsa(chain):
    """The data of a TLSA record for the certificate's key."""
    public = openssl('x509', '-in', chain, '-noout', '-pubkey')
    der = openssl('pkey', '-pubin', '-outform', 'der', input=public)
    return '3 1 1 ' + hashlib.sha256(der).hexdigest()


def decode(text):
    return base64.b64decode(text.strip())


class TlsSink(Sink):
    """A sink that offers STARTTLS where it has a certificate, and AUTH where it has `accounts`
    ({user: password}); `mechanisms` are what it offers. `lying`: it says 235 to whoever it is."""

    def __init__(self, certificate=None, extensions=(), accounts=None, mechanisms='PLAIN',
                 lying=False, **options):
        self.certificate = certificate
        self.extensions = list(extensions)
        self.accounts, self.mechanisms, self.lying = accounts, mechanisms, lying
        self.secured = 0
        self.logins = []
        self.server_names = []
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
            self.context.sni_callback = lambda _s, name, _c: self.server_names.append(name)
        super().__init__(**options)

    def _offer(self, secure):
        offers = ['sink', 'PIPELINING', *self.extensions]
        if self.certificate and not secure:
            offers.append('STARTTLS')
        if self.accounts is not None:
            offers.append(f'AUTH {self.mechanisms}')
        lines = [f'250-{offer}' for offer in offers]
        return '\r\n'.join(lines[:-1] + [lines[-1].replace('-', ' ', 1)])

    def _talk(self, connection, lines):
        connection.sendall(b'220 sink ESMTP\r\n')
        if self._converse(connection, lines, False) != 'STARTTLS':
            return
        with self.context.wrap_socket(connection, server_side=True) as secure:
            self.secured += 1
            with secure.makefile('rb') as inner:
                self._converse(secure, inner, True)

    def _converse(self, connection, lines, secure):
        mail, recipients = None, []
        for raw in lines:
            line = raw.decode().rstrip('\r\n')
            self.commands.append(line)
            verb = line.split(' ')[0].split(':')[0].upper()
            if verb == 'EHLO':
                answer = self._offer(secure)
            elif verb == 'STARTTLS':
                connection.sendall(b'220 go on\r\n')
                return verb
            elif verb == 'AUTH':
                answer = self._log_in(connection, lines, line.split(' ')[1:])
            else:
                answer = self._reply(verb, line)
            if answer is None:
                return verb
            connection.sendall(answer.encode() + b'\r\n')
            if verb == 'QUIT':
                return verb
            if verb == 'MAIL':
                mail, recipients = line, []
            elif verb == 'RCPT' and answer.startswith('2'):
                recipients.append(line)
            elif verb == 'DATA' and answer.startswith('3'):
                body = []
                for raw_line in lines:
                    if raw_line == b'.\r\n':
                        break
                    body.append(raw_line)
                else:
                    return verb
                connection.sendall(self._reply('DOT', '').encode() + b'\r\n')
                self.taken.put((mail, recipients, b''.join(body)))
        return None

    def _log_in(self, connection, lines, words):
        def ask(challenge):
            connection.sendall(b'334 ' + base64.b64encode(challenge) + b'\r\n')
            return decode(next(lines))

        mechanism = words[0].upper()
        if mechanism == 'PLAIN':
            _, user, password = (decode(words[1]) if words[1:] else ask(b'')).split(b'\0')
        elif mechanism == 'LOGIN':
            user, password = ask(b'Username:'), ask(b'Password:')
        else:
            return self._scram(ask, decode(words[1]).decode())
        good = self.accounts.get(user.decode()) == password.decode()
        self.logins.append((mechanism, user.decode(), good))
        return '235 2.7.0 welcome' if good or self.lying else '535 5.7.8 who are you'

    def _scram(self, ask, first):
        """RFC 5802 and 7677, the server's side."""
        bare = first.split(',', 2)[2]
        fields = dict(part.split('=', 1) for part in bare.split(','))
        salt, rounds = b'0123456789abcdef', 4096
        server_first = f"r={fields['r']}server,s={base64.b64encode(salt).decode()},i={rounds}"
        final = ask(server_first.encode()).decode()
        without, proof = final.rsplit(',p=', 1)
        password = self.accounts.get(fields['n'], 'nobody').encode()
        salted = hashlib.pbkdf2_hmac('sha256', password, salt, rounds)
        client_key = hmac.digest(salted, b'Client Key', 'sha256')
        message = f'{bare},{server_first},{without}'.encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, 'sha256')
        expected = bytes(a ^ b for a, b in zip(client_key, signature))
        good = hmac.compare_digest(expected, decode(proof))
        self.logins.append(('SCRAM-SHA-256', fields['n'], good))
        if self.lying:
            return '235 2.7.0 welcome'
        if not good:
            return '535 5.7.8 who are you'
        verifier = hmac.digest(hmac.digest(salted, b'Server Key', 'sha256'), message, 'sha256')
        ask(b'v=' + base64.b64encode(verifier))
        return '235 2.7.0 welcome'
