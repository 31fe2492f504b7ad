#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots a machine with Pointsman installed and lets driver.py use it.

The machine is systemd-nspawn on an overlay of this one's root: nothing of this machine is changed,
and the overlay is gone afterwards. Pointsman gets there by `meson install` of a build for /usr.

    test_boot.py SOURCE BUILD    BUILD: a folder for that build, kept between runs
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_SECONDS = 300

DRIVER_UNIT = """\
[Unit]
Description=Driver of the boot test
Wants=dbus.service
After=dbus.service basic.target
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /pm-boot/driver.py
StandardOutput=append:/pm-boot/output
StandardError=append:/pm-boot/output
TimeoutStartSec=270
"""

TARGET = """\
[Unit]
Description=The boot test
Requires=basic.target
Wants=pm-boot.service
After=basic.target
AllowIsolate=yes
"""


def skip(reason):
    print(f"1..0 # SKIP {' '.join(reason.split())}")
    sys.exit(SKIP)


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        print(f"Bail out! {' '.join(command)}: exit {done.returncode}\n{done.stdout}")
        sys.exit(1)
    return done.stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


class Machine:
    """The overlay; mounted while in the with block."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="pm-boot-", dir="/var/tmp")
        self.root = os.path.join(self.folder, "root")
        self.process = None

    def __enter__(self):
        for name in ("upper", "work", "root"):
            os.mkdir(os.path.join(self.folder, name))
        done = subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work", self.root],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            skip(f"an overlay of / cannot be mounted: {done.stderr.strip()}")
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["umount", self.root], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def install(self, source, build):
        if not os.path.exists(os.path.join(build, "build.ninja")):
            run("meson", "setup", "--prefix=/usr", "-Dui=disabled", "-Dtests=false", build, source)
        run("ninja", "-C", build)
        run("meson", "install", "-C", build, "--no-rebuild", env={**os.environ,
                                                                  "DESTDIR": self.root})
        # What a package does after it is unpacked.
        run("systemd-sysusers", f"--root={self.root}", "pointsman.conf")
        run("systemd-tmpfiles", f"--root={self.root}", "--create", "pointsman.conf")

    def prepare(self):
        run("chroot", self.root, "groupadd", "pointsman-admins")
        run("chroot", self.root, "useradd", "-M", "-G", "pointsman-admins", "pm-alice")
        run("chroot", self.root, "useradd", "-M", "pm-bob")
        run("chroot", self.root, "useradd", "-m", "pm-carol")
        write(f"{self.root}/etc/polkit-1/rules.d/50-pointsman-admins.rules",
              open(f"{self.root}/usr/share/pointsman/examples/50-pointsman-admins.rules",
                   encoding="utf-8").read())
        write(f"{self.root}/etc/systemd/system/pm-boot.service", DRIVER_UNIT)
        write(f"{self.root}/etc/systemd/system/pm-boot.target", TARGET)
        os.mkdir(f"{self.root}/pm-boot")
        shutil.copy(os.path.join(HERE, "driver.py"), f"{self.root}/pm-boot/driver.py")

    def boot(self):
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}",
             f"--machine=pm-boot-{os.getpid()}", "--private-network", "--register=no",
             "--keep-unit", "--console=pipe", "--link-journal=no", "--resolv-conf=off",
             "systemd.unit=pm-boot.target", "systemd.log_target=journal"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            console, _ = self.process.communicate(timeout=BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            try:
                console, _ = self.process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                console, _ = self.process.communicate()
            console += f"\nthe machine was still up after {BOOT_SECONDS} s"
        return console

    def read(self, name):
        try:
            with open(f"{self.root}/pm-boot/{name}", encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def comment(text):
    for line in text.splitlines():
        print(f"# {line}")


def main():
    source, build = sys.argv[1:]
    if os.geteuid() != 0:
        skip("booting a machine needs root")
    for program in ("systemd-nspawn", "systemd-sysusers", "dbus-daemon", "openssl"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    if not os.path.exists("/usr/lib/polkit-1/polkitd"):
        skip("polkitd is not installed")
    with Machine() as machine:
        machine.install(source, build)
        machine.prepare()
        console = machine.boot()
        results = machine.read("results")
        output = machine.read("output")
    if not results:
        comment(console)
        comment(output)
        if "Operation not permitted" in console and "Failed to" in console:
            skip("systemd-nspawn may not start a machine here")
        print("Bail out! the machine did not report")
        sys.exit(1)
    results = json.loads(results)
    print(f"1..{len(results)}")
    failed = False
    for number, result in enumerate(results, 1):
        print(f"{'ok' if result['ok'] else 'not ok'} {number} - {result['name']}")
        if not result["ok"]:
            failed = True
            comment(result["why"])
    if failed:
        comment(output)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
