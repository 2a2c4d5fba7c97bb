#!/bin/sh
# Makes the Debian package: conf/package.sh [-b BUILD] [-r REVISION] [-o DIRECTORY] [-q]
#   -b  a build that is there already, instead of making build/release
#   -r  Debian revision (default 1)
#   -o  where the package goes (default build)
#   -q  quick: hardly packed
# Prints its path. Beside it comes exiwarden-dbgsym, by which a debugger reads a crash. Two builds of one commit
# with the same tools give the same bytes.
set -eu
cd "$(dirname "$0")/.."
top=$PWD
build='' revision=1 out=build packing='-Zxz'
while getopts b:r:o:q option; do
  case $option in
    b) build=$OPTARG ;;
    r) revision=$OPTARG ;;
    o) out=$OPTARG ;;
    q) packing='-Zgzip -z1' ;;
    *) echo "usage: $0 [-b BUILD] [-r REVISION] [-o DIRECTORY] [-q]" >&2; exit 64 ;;
  esac
done
if [ -z "$build" ]; then
  "$top/conf/packages.sh" build >&2
  cmake --preset release >&2
  cmake --build --preset release >&2
  build=build/release
fi

version=$(sed -n 's/^project(exiwarden VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)-$revision
architecture=$(dpkg --print-architecture)
maintainer=$(sed -n '1,/^$/s/^Maintainer: //p' conf/debian/control)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH # dpkg-deb goes by it too
date=$(date -R -u -d "@$SOURCE_DATE_EPOCH")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
umask 022

DESTDIR=$root cmake --install "$build" --prefix /usr >&2
# The symbols go into a package of their own, by the name under which debuggers look for them.
program=$root/usr/bin/exiwarden
id=$(readelf -n "$program" | sed -n 's/^ *Build ID: //p')
symbols=usr/lib/debug/.build-id/${id%"${id#??}"}/${id#??}.debug
mkdir -p "$work/dbgsym/DEBIAN" "$work/dbgsym/$(dirname "$symbols")"
objcopy --only-keep-debug --compress-debug-sections "$program" "$work/dbgsym/$symbols"
chmod 0644 "$work/dbgsym/$symbols"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$program"
install -d "$root/etc/exiwarden"
# postinst copies these to where Exim includes them; dpkg would take them away from under it (see postrm).
mv "$root/usr/share/exiwarden/exim" "$root/usr/share/exiwarden/exim.dist"
docs=$root/usr/share/doc/exiwarden
install -m 0644 conf/debian/copyright "$docs/copyright"
gzip -9n < CHANGELOG.md > "$docs/changelog.gz"
printf 'exiwarden (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' \
  "$version" "$maintainer" "$date" | gzip -9n > "$docs/changelog.Debian.gz"
install -D -m 0644 conf/debian/lintian-overrides "$root/usr/share/lintian/overrides/exiwarden"
find "$root/usr/share/man" -type f -exec gzip -9n {} +

# Which libraries it needs, as the machine that builds has them.
mkdir -p "$work/debian" "$root/DEBIAN"
cp conf/debian/control "$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O root/usr/bin/exiwarden 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed -n '/^Package:/,$p' conf/debian/control |
  sed -e "s/\${version}/$version/; s/\${architecture}/$architecture/; s/\${size}/$size/" \
      -e "s/\${maintainer}/$maintainer/; s/\${libraries}/$libraries/" > "$root/DEBIAN/control"
(cd "$root" && find usr -type f | LC_ALL=C sort | xargs md5sum) > "$root/DEBIAN/md5sums"
(cd "$root" && find etc -type f -printf '/%p\n') > "$root/DEBIAN/conffiles"
[ -s "$root/DEBIAN/conffiles" ] || rm "$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 0755 "conf/debian/$script" "$root/DEBIAN/$script"
done

cat >"$work/dbgsym/DEBIAN/control" <<CONTROL
Package: exiwarden-dbgsym
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --exclude=DEBIAN "$work/dbgsym" | cut -f1)
Depends: exiwarden (= $version)
Section: debug
Priority: optional
Auto-Built-Package: debug-symbols
Build-Ids: $id
Description: debug symbols for exiwarden
CONTROL
(cd "$work/dbgsym" && md5sum "$symbols") >"$work/dbgsym/DEBIAN/md5sums"

mkdir -p "$out"
package=$out/exiwarden_${version}_$architecture.deb
# shellcheck disable=SC2086
dpkg-deb --root-owner-group $packing --build "$root" "$package" >/dev/null
# shellcheck disable=SC2086
dpkg-deb --root-owner-group $packing --build "$work/dbgsym" "$out/exiwarden-dbgsym_${version}_$architecture.deb" >/dev/null
echo "$package"
