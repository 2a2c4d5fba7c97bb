#!/bin/bash
# Runs the tests on the other Debian release, 13 on a Debian 12 and 12 on a Debian 13: in a root made by debootstrap
# from this machine's own apt sources and kept for the next time. As root; the machine itself is not touched.
#   tests/other_release.sh               builds the release preset there, warnings are errors; unit, command line and real-Exim tests
#   tests/other_release.sh prepare       only makes the root, with all packages in it
#   tests/other_release.sh COMMAND...    runs this there, in the checkout
# EXIWARDEN_ROOTS: where roots are kept (default /var/cache/exiwarden-roots).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. /etc/os-release
case $VERSION_CODENAME in
  bookworm) release=trixie ;;
  trixie) release=bookworm ;;
  *) echo "$0: this is $PRETTY_NAME, neither Debian 12 nor 13" >&2; exit 69 ;;
esac
roots=${EXIWARDEN_ROOTS:-/var/cache/exiwarden-roots}
root=$roots/$release
build=$PWD/build/$release
mkdir -p "$roots" "$build"

# Whatever runs inside ends with this script: it has process numbers and mounts of its own.
inside() {
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child --ipc --propagation private bash -c '
    set -e
    root=$1 checkout=$2 build=$3
    shift 3
    mount --bind "$root" "$root"
    mkdir -p "$root/checkout" "$root/before"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mount --bind "$checkout" "$root/checkout"
    mount --bind "$build" "$root/checkout/build"
    cat /etc/resolv.conf >"$root/etc/resolv.conf"
    cd "$root"
    pivot_root . before
    umount -l /before
    cd /checkout
    exec "$@"' _ "$root" "$PWD" "$build" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

prepare() {
  exec 9>"$roots/lock"
  flock 9
  if [ ! -e "$root/etc/debian_version" ]; then
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' | awk -v name="$VERSION_CODENAME" '$2 == name { print $1; exit }')
    echo "making a $release root from $mirror"
    rm -rf "$root.new"
    debootstrap --variant=minbase --include=ca-certificates "$release" "$root.new" "$mirror" >"$roots/debootstrap.log" 2>&1 ||
      { tail -n 20 "$roots/debootstrap.log" >&2; return 69; }
    mv "$root.new" "$root"
  fi
  # A mirror may not answer for a moment: three times.
  for try in 1 2 3; do
    inside conf/packages.sh test && break
    [ "$try" -lt 3 ]
  done
  exec 9>&-
}

tests() {
  # shellcheck disable=SC2016
  inside bash -c '
    set -euo pipefail
    . /etc/os-release
    cmake --preset release -DBUILD_TESTING=ON -DEXIWARDEN_WERROR=ON >/dev/null
    NINJA_STATUS="$VERSION_CODENAME [%f/%t] " cmake --build --preset release -- -k0
    git config --global --add safe.directory /checkout
    ctest --test-dir build/release --output-on-failure -L "unit|cli|exim" -j"$(($(nproc) + 1))" | tee build/tests.log'
}

case ${1:-tests} in
  prepare) prepare ;;
  tests) prepare; tests ;;
  *) prepare; inside "$@" ;;
esac
