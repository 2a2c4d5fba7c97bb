#!/bin/sh
# The long form of tests/exim/package.py and first_day.py: in a Debian fresh from the mirror instead of a copy of this machine's root.
#   tests/fresh_root.sh [BUILD]     as root; BUILD (default build/dev) holds the program
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build/dev}")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
debootstrap --variant=minbase bookworm "$root" http://deb.debian.org/debian >&2
# What the package needs: as apt finds it, and an Exim.
package=$(conf/package.sh -q -b "$build" -r 0 -o "$root/tmp")
cp /etc/resolv.conf "$root/etc/"
mount -t proc proc "$root/proc"
DEBIAN_FRONTEND=noninteractive chroot "$root" sh -c \
  "apt-get install -y -qq --no-install-recommends exim4-daemon-heavy /tmp/${package##*/} &&
   dpkg -P exiwarden && rm -rf /var/lib/exiwarden && userdel exiwarden && apt-get clean" >&2 || { umount "$root/proc"; exit 1; }
umount "$root/proc"
cd tests/exim
EXIWARDEN=$build/exiwarden EXIWARDEN_SOURCE=$(realpath ../..) EXIWARDEN_ROOT=$root python3 -B -m unittest -v package first_day
