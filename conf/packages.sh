#!/bin/sh
# Debian 12's packages that the project needs: `conf/packages.sh build` or `conf/packages.sh test`
# installs what is missing; the test tools hold what the build needs too.
set -eu

build="g++ cmake ninja-build pkg-config libre2-dev libboost-program-options-dev libtomlplusplus-dev
  libfmt-dev nlohmann-json3-dev libssl-dev libcurl4-openssl-dev libsystemd-dev libcctz-dev
  zlib1g-dev libbz2-dev liblzma-dev libzstd-dev libhiredis-dev"
test="catch2 python3 exim4-daemon-heavy openssl iproute2 clang clang-format clang-tidy
  libclang-rt-14-dev llvm procps xz-utils bzip2 gzip zstd systemd util-linux chromium
  lintian shellcheck tmux man-db groff valgrind redis-server"

case ${1:-} in
  build) wanted=$build ;;
  test) wanted="$build $test" ;;
  *) echo "usage: $0 build|test" >&2; exit 64 ;;
esac

missing=
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
