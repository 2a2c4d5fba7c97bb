#!/bin/sh
# The Debian packages that the project needs (Debian 12 and 13): `conf/packages.sh build` or
# `conf/packages.sh test` installs what is missing, as root, and says what; the test tools hold what the build
# needs too. Another system gets a list of what to look for.
set -eu

build="g++ cmake ninja-build pkg-config libre2-dev libboost-program-options-dev libtomlplusplus-dev
  libfmt-dev nlohmann-json3-dev libssl-dev libcurl4-openssl-dev libsystemd-dev libcctz-dev
  zlib1g-dev libbz2-dev liblzma-dev libzstd-dev libisal-dev libhiredis-dev libsqlite3-dev"
# clang-format is the same version on both releases, for its versions lay code out differently.
test="catch2 python3 exim4-daemon-heavy openssl iproute2 clang clang-format-19 clang-tidy
  libclang-rt-dev llvm procps xz-utils bzip2 gzip zstd systemd util-linux chromium
  lintian shellcheck tmux man-db groff valgrind redis-server git debootstrap e2fsprogs"

case ${1:-} in
  build) wanted=$build ;;
  test) wanted="$build $test" ;;
  *) echo "usage: $0 build|test" >&2; exit 64 ;;
esac

# shellcheck disable=SC1091
release=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || release=unknown
case $release in
  "debian 12" | "debian 13") ;;
  *)
    if ! command -v dpkg-query >/dev/null; then
      echo "$0: this is $release, and only Debian 12 and 13 are tried. Install what these hold, then run cmake yourself:" >&2
      echo "$wanted" >&2
      exit 69
    fi
    echo "$0: this is $release; only Debian 12 and 13 are tried, and packages may have other names here" >&2
    ;;
esac

missing=
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "$0: needs root to install:$missing" >&2
  exit 77
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 69
fi
