#!/bin/sh
# A private Postgres on loopback, in a folder of its own, for tests and benchmarks.
#
#   postgres.sh start DIR [PORT]   start, or say that it runs; writes DIR/port, DIR/pid, DIR/url
#   postgres.sh stop DIR           stop in order, ending sessions; the data stays
#   postgres.sh kill DIR           kill -9 the server and its sessions
#   postgres.sh restart DIR        stop, then start on the same port
#   postgres.sh remove DIR         stop, and delete the folder with all that belongs to it
#   postgres.sh ctl DIR ARGS...    psql ARGS... against it, as the superuser
#
# It has its own port, data, socket and log, and touches no other cluster. Runs as any user; as root the server itself
# runs as the user postgres, or nobody. Extra lines for postgresql.conf are taken from DIR/extra.conf. With
# MILLRACE_POSTGRES_TLS=1 it also makes a certificate authority in DIR/tls and offers TLS; the certificate names only
# localhost and 127.0.0.1, and the server also listens on 127.0.0.2.
set -eu

fail() { echo "postgres.sh: $*" >&2; exit 1; }
usage() { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }

[ $# -ge 2 ] || usage
command=$1
folder=$2
shift 2
. "$(dirname "$0")/ports.sh"

mkdir -p "$folder" 2>/dev/null || fail "cannot make the folder '$folder'"
folder=$(cd "$folder" && pwd)
[ -w "$folder" ] || fail "the folder '$folder' is not writable"

# The newest version that is installed; Debian keeps its programs out of PATH.
find_bin() {
  for candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) /usr/pgsql-*/bin /usr/local/pgsql/bin; do
    if [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then
      echo "$candidate"
      return 0
    fi
  done
  found=$(command -v initdb) && dirname "$found"
}
bin=$(find_bin) || fail "the Postgres server is not installed (apt-get install postgresql)"

# A socket's path is limited to 107 bytes, so it lies under /tmp.
number=$(printf '%s' "$folder" | cksum | tr -d ' ')
short="/tmp/millrace-postgres-$(id -u)-$number"
user=$(id -un)
data="$folder/data"
# The server refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
  command -v setpriv >/dev/null 2>&1 || fail "as root it needs setpriv, of the package util-linux"
  user=nobody
  if id postgres >/dev/null 2>&1; then user=postgres; fi
fi

as_user() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@")
  else
    "$@"
  fi
}

# Folders on the way, such as /root, may be closed to the server's user: the data then lies under /tmp too.
if [ "$(id -u)" -eq 0 ] && ! as_user test -x "$folder"; then data="$short/data"; fi

# What starts a daemon here must not keep the caller's pipes open, or the caller never sees the end of them.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

read_file() { [ -s "$folder/$1" ] && cat "$folder/$1" || true; }

# Whether the process in DIR/pid is this server and not a later user of its number.
running() {
  pid=$(read_file pid)
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] && ! gone "$pid" &&
    tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF -- "$data"
}
gone() { ! kill -0 "$1" 2>/dev/null || [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)" = Z ]; }

client() {
  PGPASSWORD=$(read_file password) PGCONNECT_TIMEOUT=5 \
    "$bin/psql" --no-psqlrc -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(read_file port)" -U postgres "$@"
}

make_certificates() {
  command -v openssl >/dev/null 2>&1 || fail "MILLRACE_POSTGRES_TLS needs the openssl command"
  [ -s "$folder/tls/server.pem" ] && return 0
  mkdir -p "$folder/tls"
  (
    cd "$folder/tls"
    for authority in ca other-ca; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Millrace test $authority" \
        -keyout $authority.key -out $authority.pem
    done
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >server.ext
    openssl req -newkey rsa:2048 -nodes -subj "/CN=millrace-server" -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext \
      -out server.pem
  ) >"$folder/openssl.log" 2>&1 || fail "openssl could not make certificates; see $folder/openssl.log"
}

make_cluster() {
  if as_user test -s "$data/PG_VERSION"; then return 0; fi
  # A half-made cluster of a start that was interrupted.
  rm -rf "$data"
  mkdir -m 700 "$data"
  chown "$user" "$data"
  put "$short/password" <"$folder/password"
  as_user "$bin/initdb" -D "$data" -U postgres --auth=scram-sha-256 --pwfile="$short/password" --encoding=UTF8 \
    --locale=C.UTF-8 >"$folder/log" 2>&1 ||
    fail "initdb failed; see $folder/log: $(tail -n 2 "$folder/log" | tr '\n' ' ')"
  rm -f "$short/password"
}

# Writes a file that only the server's user may read.
put() { as_user sh -c 'umask 077 && cat >"$1"' sh "$1"; }

write_configuration() {
  {
    echo "listen_addresses = '127.0.0.1,127.0.0.2'"
    echo "port = $(read_file port)"
    echo "unix_socket_directories = '$short/socket'"
    echo "max_connections = 200"
    echo "shared_buffers = 64MB"
    echo "log_line_prefix = '%m [%p] '"
    echo "lc_messages = 'C'"
    if as_user test -s "$data/server.key"; then
      echo "ssl = on"
      echo "ssl_cert_file = 'server.pem'"
      echo "ssl_key_file = 'server.key'"
    fi
    read_file extra.conf
  } | put "$data/millrace.conf"
  as_user grep -q '^include = .millrace.conf' "$data/postgresql.conf" ||
    echo "include = 'millrace.conf'" | as_user tee -a "$data/postgresql.conf" >/dev/null
}

# A folder under /tmp with a guessable name must be ours before anything is put into it.
make_short() {
  if mkdir -m 711 "$short" 2>/dev/null; then chown "$user" "$short"; fi
  [ ! -L "$short" ] && [ "$(stat -c %U "$short")" = "$user" ] || fail "'$short' is not a folder of $user"
}

start() {
  if running; then
    echo "$(read_file port)"
    return 0
  fi
  wanted=${1:-$(read_file port)}
  if [ -n "$wanted" ]; then
    case $wanted in *[!0-9]*) fail "the port '$wanted' is not a number" ;; esac
    if listening "$wanted"; then fail "port $wanted is in use; give another, or none for a free one"; fi
  else
    wanted=$(free_port) || fail "found no free port between 20000 and 32000"
  fi
  echo "$wanted" >"$folder/port"
  if [ ! -s "$folder/password" ]; then
    (umask 077 && od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$folder/password")
  fi
  (umask 077 && echo "postgres://millrace:$(read_file password)@127.0.0.1:$wanted/millrace" >"$folder/url")
  make_short
  as_user mkdir -p "$short/socket"
  make_cluster
  if [ -n "${MILLRACE_POSTGRES_TLS:-}" ]; then
    make_certificates
    for file in server.pem server.key; do put "$data/$file" <"$folder/tls/$file"; done
  fi
  write_configuration
  # Nothing but this server has a right to the lock that a killed one left behind; `running` said that it is gone.
  # `exec`, since a redirection of the function alone would keep copies of the caller's descriptors, and its pipes open.
  (exec >>"$folder/log" 2>&1 </dev/null && as_user setsid "$bin/postgres" -D "$data") &
  server=$!
  echo "$server" >"$folder/pid"
  waited=0
  until client -qAt -d postgres -c 'SELECT 1' >/dev/null 2>&1; do
    sleep 0.1
    waited=$((waited + 1))
    if [ $((waited % 100)) -eq 0 ]; then echo "postgres.sh: waiting for the server ($((waited / 10)) s)" >&2; fi
    if ! kill -0 "$server" 2>/dev/null; then
      fail "the server ended while starting; see $folder/log: $(tail -n 3 "$folder/log" | tr '\n' ' ')"
    fi
    if [ $waited -ge 1200 ]; then
      stop INT
      fail "the server does not answer on port $wanted after 120 s; see $folder/log"
    fi
  done
  as_user head -n 1 "$data/postmaster.pid" >"$folder/pid"
  if [ "$(client -qAt -d postgres -c "SELECT count(*) FROM pg_roles WHERE rolname = 'millrace'")" = 0 ]; then
    client -q -d postgres -c "CREATE ROLE millrace LOGIN CREATEDB PASSWORD '$(read_file password)'"
  fi
  if [ "$(client -qAt -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'millrace'")" = 0 ]; then
    client -q -d postgres -c 'CREATE DATABASE millrace OWNER millrace'
  fi
  echo "$wanted"
}

# The processes of the server's sessions and helpers.
children() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }

stop() {
  if running; then
    pid=$(read_file pid)
    sessions=$(children "$pid")
    # A session that a test has stopped would never end.
    for child in $sessions; do kill -CONT "$child" 2>/dev/null || true; done
    kill "-$1" "$pid"
    if [ "$1" = KILL ]; then for child in $sessions; do kill -KILL "$child" 2>/dev/null || true; done; fi
    waited=0
    for process in $pid $sessions; do
      while ! gone "$process"; do
        sleep 0.1
        waited=$((waited + 1))
        if [ $((waited % 100)) -eq 0 ]; then echo "postgres.sh: waiting for the end ($((waited / 10)) s)" >&2; fi
        if [ $waited -eq 300 ]; then
          echo "postgres.sh: the server does not end, killing it" >&2
          kill -KILL "$process"
        fi
      done
    done
  fi
  rm -f "$folder/pid"
}

case $command in
  start) start "$@" ;;
  # SIGINT ends sessions and writes everything out; SIGTERM would wait for them to leave.
  stop) stop INT ;;
  kill) stop KILL ;;
  restart)
    stop INT
    start
    ;;
  ctl)
    running || fail "no server runs in '$folder'"
    client -d millrace "$@"
    ;;
  remove)
    stop INT
    rm -rf "$folder" "$short"
    ;;
  *) usage ;;
esac
