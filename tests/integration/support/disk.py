# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system for a measurement alone: ext4 with its journal, new, in a file on this disk."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class OwnDisk:
    """While it is there, what is temporary lies on it.

    What others have done to a file system changes what it can do: ext4 without a journal, as some
    virtual machines have it, looks past every inode that was freed in the last minutes, and files
    that the run before has removed make those of the next one ten times as slow to create.
    """

    def __init__(self, mebibytes=1536):
        self.before = tempfile.tempdir
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pm-disk-'))
        image = self.root / 'image'
        self.folder = self.root / 'mounted'
        self.folder.mkdir()
        self.root.chmod(0o755)
        try:
            # Written once, so that the disk beneath has nothing to allocate later.
            subprocess.run(['dd', 'if=/dev/zero', f'of={image}', 'bs=1M', f'count={mebibytes}',
                            'conv=fsync'], check=True, stderr=subprocess.DEVNULL)
            subprocess.run(['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0',
                            image], check=True, stdin=subprocess.DEVNULL)
            loop = subprocess.run(['losetup', '--show', '--direct-io=on', '-f', image], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout.strip()
            try:
                subprocess.run(['mount', loop, self.folder], check=True)
            finally:
                subprocess.run(['losetup', '-d', loop], check=False)  # once it is unmounted
        except BaseException:
            shutil.rmtree(self.root)
            raise
        self.folder.chmod(0o1777)
        tempfile.tempdir = str(self.folder)

    def close(self):
        tempfile.tempdir = self.before
        # A service may take a moment to be gone.
        subprocess.run(['umount', self.folder], check=False)
        if os.path.ismount(self.folder):
            subprocess.run(['umount', '--lazy', self.folder], check=False)
        shutil.rmtree(self.root)


def add_option(parser):
    parser.add_argument('--disk', choices=('own', 'here'), default='own',
                        help='a new ext4 of its own, or what is mounted where temporary files go')


class measured_disk:
    """The disk that the option says, as a context."""

    def __init__(self, options):
        self.own = None
        self.wanted = options.disk == 'own'

    def __enter__(self):
        if self.wanted:
            try:
                self.own = OwnDisk()
            except (OSError, subprocess.CalledProcessError) as error:
                sys.exit(f'No file system of its own can be had here ({error}): try --disk here')
        return self

    def __exit__(self, *_):
        if self.own is not None:
            self.own.close()
