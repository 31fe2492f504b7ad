#!/bin/sh
# Fetches mail servers that Debian lets only one of be installed, and unpacks them for the tests of
# interoperation: nothing of them is installed or started.
#
#   tools/peers.sh DIRECTORY
#
# Where they cannot be had it says so; the tests then skip those servers.
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
mkdir -p "$1"
cd "$1"
[ -e complete ] && exit 0
command -v apt-get >/dev/null || { echo "No apt-get here: no Exim and OpenSMTPD to test with" >&2; exit 0; }
if ! { apt-get download -qq exim4-daemon-light opensmtpd ||
       { apt-get update -qq && apt-get download -qq exim4-daemon-light opensmtpd; }; } 2>fetch.log
then
  cat fetch.log >&2
  echo "Exim and OpenSMTPD cannot be fetched: they are not tested with" >&2
  exit 0
fi
for package in *.deb; do
  dpkg -x "$package" .
done
rm -f ./*.deb fetch.log
: >complete
