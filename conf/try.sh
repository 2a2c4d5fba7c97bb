#!/bin/sh
# Installs what is needed, builds, and shows the main job in a scratch directory: a log that grows,
# a sender who crosses the limit, the list and the notice. Nothing outside build/ and the scratch
# directory is touched but the packages. Debian 12, as root.
set -eu
cd "$(dirname "$0")/.."

conf/packages.sh build
cmake --preset release >/dev/null
cmake --build --preset release
exiwarden=$PWD/build/release/exiwarden

scratch=$(mktemp -d "${TMPDIR:-/tmp}/exiwarden-try.XXXXXX")
chmod 755 "$scratch"
service=
finish() { [ -z "$service" ] || kill "$service" 2>/dev/null || :; }
trap finish EXIT INT TERM
cd "$scratch"

cat >mailer <<MAILER
#!/bin/sh
cat >"$scratch/notice.new" && mv "$scratch/notice.new" "$scratch/notice"
MAILER
chmod 755 mailer
cat >exiwarden.toml <<CONFIG
[log]
paths = ["$scratch/mainlog"]
[state]
directory = "$scratch/state"
[exim]
user = "root"
[notify]
to = ["abuse@example.org"]
transports = ["sendmail"]
sendmail = ["$scratch/mailer"]
[[rule]]
name = "authenticated"
identity = "user"
limit = 5
period = "1h"
list = "$scratch/blocked_authenticated_users"
CONFIG
: >mainlog

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "The service follows $scratch/mainlog; the limit is 5 in 1h:"
"$exiwarden" run -c exiwarden.toml &
service=$!
for _ in $(seq 100); do [ -e state/checkpoint ] && break; sleep 0.1; done

say "Exim refuses recipients of mallory and, once, of alice:"
n=0
while [ $n -lt 6 ]; do
  n=$((n + 1))
  who=mallory@example.org
  [ $n -ne 3 ] || who=alice@example.org
  line="$(date '+%Y-%m-%d %H:%M:%S') H=(client) [198.51.100.7] F=<$who> A=plain:$who rejected RCPT <nobody$n@example.net>: Unrouteable address"
  echo "$line"
  echo "$line" >>mainlog
  sleep 0.3
done
for _ in $(seq 100); do [ -s notice ] && [ -s blocked_authenticated_users ] && break; sleep 0.1; done

say "The list that Exim's ACL looks up ($scratch/blocked_authenticated_users):"
cat blocked_authenticated_users
say "The notice to the abuse desk:"
cat notice
say "Why?  exiwarden explain --who mallory@example.org mainlog"
"$exiwarden" explain -c exiwarden.toml --who mallory@example.org mainlog
say "It was a mistake?  exiwarden unblock mallory@example.org"
"$exiwarden" unblock -c exiwarden.toml mallory@example.org
kill "$service"; wait "$service" || :
service=

say "For the real Exim:"
cat <<NEXT
  cmake --install build/release --prefix /usr
  exiwarden check                      after writing /etc/exiwarden/exiwarden.toml
  and conf/exim/ into Exim's configuration: README.md, "Set it up", says where.
All of the above is in $scratch.
NEXT
