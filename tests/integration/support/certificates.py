# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of the tests' own, made when they begin and gone when they end."""

import pathlib
import shutil
import subprocess
import tempfile


class Authority:
    """`file` is what believers need; issue() gives certificates for names."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pointsman-ca-'))
        self.root.chmod(0o755)
        self.file = self.root / 'ca.pem'
        self._key = self.root / 'ca.key'
        self._openssl('req', '-x509', *self._new_key(self._key), '-days', '2', '-subj',
                      '/CN=Test authority', '-addext', 'basicConstraints=critical,CA:TRUE',
                      '-out', self.file)

    def issue(self, *names, rsa=False):
        """The files of a certificate for the names and of its key; of an elliptic curve, or of RSA
        for who cannot use those."""
        chain, key = self.root / f'{names[0]}.pem', self.root / f'{names[0]}.key'
        request, extensions = self.root / 'request', self.root / 'extensions'
        self._openssl('req', *self._new_key(key, rsa), '-subj', f'/CN={names[0]}', '-out', request)
        extensions.write_text('subjectAltName=' + ','.join(f'DNS:{name}' for name in names) +
                              '\nextendedKeyUsage=serverAuth,clientAuth\n')
        self._openssl('x509', '-req', '-in', request, '-CA', self.file, '-CAkey', self._key,
                      '-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', chain)
        return chain, key

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    @staticmethod
    def _new_key(path, rsa=False):
        kind = ['rsa:2048'] if rsa else ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
        return ['-newkey', *kind, '-nodes', '-keyout', path]

    @staticmethod
    def _openssl(*words):
        subprocess.run(['openssl', *words], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
