#!/bin/sh
# A private RabbitMQ on loopback, in a folder of its own, for tests and benchmarks.
#
#   broker.sh start DIR [PORT]   start, or say that it runs; writes DIR/port, DIR/pid, DIR/url
#   broker.sh stop DIR           stop in order; the data stays
#   broker.sh kill DIR           kill -9
#   broker.sh restart DIR        stop, then start on the same port
#   broker.sh ctl DIR ARGS...    rabbitmqctl ARGS... against it
#
# It has its own node name, epmd, ports, cookie, configuration, data and logs, and touches no other broker. Runs as any
# user. Extra lines for rabbitmq.conf are taken from DIR/extra.conf. With MILLRACE_BROKER_TLS=1 it also makes a
# certificate authority in DIR/tls and listens for TLS on 127.0.0.1 and 127.0.0.2, port DIR/tls-port; the certificate
# names only localhost and 127.0.0.1, and clients must show one signed by the authority.
set -eu

fail() { echo "broker.sh: $*" >&2; exit 1; }
usage() { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }

[ $# -ge 2 ] || usage
command=$1
folder=$2
shift 2

mkdir -p "$folder" 2>/dev/null || fail "cannot make the folder '$folder'"
folder=$(cd "$folder" && pwd)
[ -w "$folder" ] || fail "the folder '$folder' is not writable"

find_sbin() {
  for candidate in /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq/sbin /usr/local/sbin /usr/sbin; do
    if [ -x "$candidate/rabbitmq-server" ] && [ -x "$candidate/rabbitmq-env" ]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}
sbin=$(find_sbin) || fail "rabbitmq-server is not installed (apt-get install rabbitmq-server)"
command -v epmd >/dev/null 2>&1 || fail "epmd is not in PATH; it comes with Erlang"

# RabbitMQ's own scripts split paths at spaces, so they are given a link without any.
link=
case $folder in
  *[!A-Za-z0-9/._+-]*)
    link_name=$(printf '%s' "$folder" | cksum | tr -d ' ')
    link="${TMPDIR:-/tmp}/millrace-broker-$(id -u)-$link_name"
    ln -sfn "$folder" "$link" || fail "cannot make the link '$link'"
    ;;
esac
base=${link:-$folder}

# What starts a daemon here must not keep the caller's pipes open, or the caller never sees the end of them.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

read_file() { [ -s "$folder/$1" ] && cat "$folder/$1" || true; }

. "$(dirname "$0")/ports.sh"

# Whether the process in DIR/pid is this broker and not a later user of its number.
running() {
  pid=$(read_file pid)
  [ -n "$pid" ] && [ -r "/proc/$pid/environ" ] &&
    tr '\0' '\n' <"/proc/$pid/environ" | grep -qxF "RABBITMQ_NODENAME=$(read_file node)"
}

environment() {
  node=$(read_file node)
  [ -n "$node" ] || fail "no broker was ever started in '$folder'"
  export HOME="$base/home" PATH="$sbin:$PATH"
  export ERL_EPMD_PORT="$(read_file epmd-port)" ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_NODENAME="$node" RABBITMQ_DIST_PORT="$(read_file dist-port)"
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
  export RABBITMQ_CONFIG_FILE="$base/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$base/none"
  export RABBITMQ_CONF_ENV_FILE="$base/none" RABBITMQ_ENABLED_PLUGINS_FILE="$base/plugins"
  export RABBITMQ_MNESIA_BASE="$base/data" RABBITMQ_LOG_BASE="$base/log" RABBITMQ_PID_FILE="$base/pid"
  export RABBITMQ_GENERATED_CONFIG_DIR="$base/generated"
  unset RABBITMQ_CONFIG_FILES RABBITMQ_NODE_PORT RABBITMQ_NODE_IP_ADDRESS RABBITMQ_USE_LONGNAME ERL_FLAGS 2>/dev/null || true
}

make_certificates() {
  command -v openssl >/dev/null 2>&1 || fail "MILLRACE_BROKER_TLS needs the openssl command"
  [ -s "$folder/tls/client.pem" ] && return 0
  mkdir -p "$folder/tls"
  (
    cd "$folder/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Millrace test authority" \
      -keyout ca.key -out ca.pem
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >server.ext
    printf 'extendedKeyUsage=clientAuth\n' >client.ext
    for name in server client; do
      openssl req -newkey rsa:2048 -nodes -subj "/CN=millrace-$name" -keyout $name.key -out $name.csr
      openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile $name.ext \
        -out $name.pem
    done
  ) >"$folder/log/openssl" 2>&1 || fail "openssl could not make certificates; see $folder/log/openssl"
}

write_configuration() {
  {
    echo "listeners.tcp.1 = 127.0.0.1:$(read_file port)"
    echo "disk_free_limit.absolute = 50MB"
    echo "log.file.level = info"
    if [ -n "$(read_file tls-port)" ]; then
      echo "listeners.ssl.1 = 127.0.0.1:$(read_file tls-port)"
      echo "listeners.ssl.2 = 127.0.0.2:$(read_file tls-port)"
      echo "ssl_options.cacertfile = $base/tls/ca.pem"
      echo "ssl_options.certfile = $base/tls/server.pem"
      echo "ssl_options.keyfile = $base/tls/server.key"
      echo "ssl_options.verify = verify_peer"
      echo "ssl_options.fail_if_no_peer_cert = true"
    fi
    read_file extra.conf
  } >"$folder/rabbitmq.conf"
  echo '[].' >"$folder/plugins"
}

start_epmd() {
  port=$(read_file epmd-port)
  if ! listening "$port"; then
    setsid epmd -port "$port" -address 127.0.0.1 >"$folder/log/epmd" 2>&1 </dev/null &
    echo $! >"$folder/epmd.pid"
  fi
}

stop_epmd() {
  pid=$(read_file epmd.pid)
  if [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] &&
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF "epmd -port $(read_file epmd-port)"; then
    kill "$pid" 2>/dev/null || true
  fi
  rm -f "$folder/epmd.pid"
}

start() {
  if running; then
    echo "$(read_file port)"
    return 0
  fi
  mkdir -p "$folder/home" "$folder/data" "$folder/log" "$folder/generated"
  taken=
  wanted=${1:-$(read_file port)}
  if [ -n "$wanted" ]; then
    case $wanted in *[!0-9]*) fail "the port '$wanted' is not a number" ;; esac
    listening "$wanted" && fail "port $wanted is in use; give another, or none for a free one"
  else
    wanted=$(free_port) || fail "found no free port between 20000 and 32000"
  fi
  taken=$wanted
  echo "$wanted" >"$folder/port"
  for purpose in epmd dist ${MILLRACE_BROKER_TLS:+tls}; do
    have=$(read_file $purpose-port)
    if [ -z "$have" ] || listening "$have"; then
      have=$(free_port) || fail "found no free port between 20000 and 32000"
      echo "$have" >"$folder/$purpose-port"
    fi
    taken="$taken $have"
  done
  [ -s "$folder/node" ] || echo "millrace-$wanted@localhost" >"$folder/node"
  echo "amqp://guest:guest@127.0.0.1:$wanted" >"$folder/url"
  if [ -n "${MILLRACE_BROKER_TLS:-}" ]; then make_certificates; fi
  write_configuration
  environment
  start_epmd
  rm -f "$folder/pid"
  setsid "$sbin/rabbitmq-server" >"$folder/log/out" 2>&1 </dev/null &
  server=$!
  waited=0
  while ! listening "$wanted" || ! running; do
    sleep 0.5
    waited=$((waited + 1))
    if [ $((waited % 20)) -eq 0 ]; then echo "broker.sh: waiting for the broker ($((waited / 2)) s)" >&2; fi
    if ! kill -0 "$server" 2>/dev/null && ! running; then
      stop_epmd
      fail "the broker ended while starting; see $folder/log/out: $(tail -n 3 "$folder/log/out" | tr '\n' ' ')"
    fi
    if [ $waited -ge 240 ]; then
      kill "$server" 2>/dev/null || true
      stop_epmd
      fail "the broker does not listen on port $wanted after 120 s; see $folder/log"
    fi
  done
  echo "$wanted"
}

stop() {
  if running; then
    pid=$(read_file pid)
    kill "-$1" "$pid"
    waited=0
    while kill -0 "$pid" 2>/dev/null && [ "$(awk '{ print $3 }' "/proc/$pid/stat" 2>/dev/null)" != Z ]; do
      sleep 0.2
      waited=$((waited + 1))
      if [ $((waited % 50)) -eq 0 ]; then echo "broker.sh: waiting for the end ($((waited / 5)) s)" >&2; fi
      if [ $waited -eq 150 ]; then
        echo "broker.sh: the broker does not end, killing it" >&2
        kill -KILL "$pid"
      fi
    done
  fi
  rm -f "$folder/pid"
  stop_epmd
  if [ -n "$link" ]; then rm -f "$link"; fi
}

case $command in
  start) start "$@" ;;
  # SIGTERM has the Erlang runtime stop RabbitMQ in order, as rabbitmqctl does, without starting a second runtime.
  stop) stop TERM ;;
  kill) stop KILL ;;
  restart)
    stop TERM
    if [ -n "$link" ]; then ln -sfn "$folder" "$link"; fi
    start
    ;;
  ctl)
    running || fail "no broker runs in '$folder'"
    environment
    exec "$sbin/rabbitmqctl" "$@"
    ;;
  *) usage ;;
esac
