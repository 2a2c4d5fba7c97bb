#!/bin/sh
# Installs what is needed, builds, and shows the main job in a scratch directory: a log that grows,
# a sender that crosses the limit, the list and the notice. Nothing outside build/ and the scratch
# directory is touched but the packages. Debian 12 or 13, as root.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d "${TMPDIR:-/tmp}/exiwarden-try.XXXXXX")
chmod 755 "$scratch"
begun=$(date +%s)
child=
# Whatever is under way ends with this script.
finish() {
  [ -z "$child" ] || { kill "$child" 2>/dev/null && wait "$child" 2>/dev/null; } || :
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

# One line for a step, that says how far it is: step NAME LOG COMMAND...
step() {
  name=$1 log=$2
  shift 2
  since=$(date +%s)
  "$@" >"$log" 2>&1 &
  child=$!
  shown=
  while kill -0 "$child" 2>/dev/null; do
    far=$(sed -n 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 of \2 files/p' "$log" | tail -n 1)
    if [ -t 1 ]; then
      printf '\r%s: %s (%s s)   ' "$name" "${far:-under way}" "$(($(date +%s) - since))"
    elif [ -z "$shown" ]; then
      shown=1
      printf '%s: ' "$name"
    fi
    sleep 1
  done
  if wait "$child"; then
    child=
    [ -t 1 ] && printf '\r%s: ' "$name"
    printf 'done after %s s                    \n' "$(($(date +%s) - since))"
  else
    status=$?
    child=
    printf 'failed:\n' && tail -n 40 "$log"
    echo "All it said is in $log"
    exit "$status"
  fi
}

step "Packages that the build needs" "$scratch/packages.log" conf/packages.sh build
step "Configuring" "$scratch/configure.log" cmake --preset release
step "Building build/release/exiwarden" "$scratch/build.log" cmake --build --preset release
exiwarden=$PWD/build/release/exiwarden
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

# Waits until a file is there: until_there WHAT FILE...
until_there() {
  what=$1
  shift
  for file; do
    tries=0
    while ! [ -s "$file" ]; do
      tries=$((tries + 1))
      [ $tries -ne 20 ] || echo "(waiting for $what)"
      if [ $tries -gt 200 ] || ! kill -0 "$child" 2>/dev/null; then
        echo "$what did not come; all of it is in $scratch" >&2
        exit 1
      fi
      sleep 0.1
    done
  done
}

say "The service follows $scratch/mainlog; the limit is 5 in 1h:"
"$exiwarden" run -c exiwarden.toml &
child=$!
until_there "the service" state/checkpoint

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
until_there "the block and its notice" blocked_authenticated_users notice

say "The list that Exim's ACL looks up ($scratch/blocked_authenticated_users):"
cat blocked_authenticated_users
say "The notice to the abuse desk:"
cat notice
say "Why?  exiwarden explain --who mallory@example.org mainlog"
"$exiwarden" explain -c exiwarden.toml --who mallory@example.org mainlog
say "It was a mistake?  exiwarden unblock mallory@example.org"
"$exiwarden" unblock -c exiwarden.toml mallory@example.org
kill "$child"
wait "$child" || :
child=

say "For the real Exim:"
cat <<NEXT
  cmake --install build/release --prefix /usr && systemd-sysusers && systemd-tmpfiles --create
  exiwarden init --write /etc/exiwarden/exiwarden.toml   prints what to paste into Exim's configuration
  exiwarden check                                        says what is still missing
  README.md, "Install", says the rest.
All of the above is in $scratch. ($(($(date +%s) - begun)) s)
NEXT
