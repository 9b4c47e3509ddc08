# Sourced by the scripts beside it: finding the project, saying what happens, installing what is missing.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages that are not there yet. Arguments: package names.
need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || fail "these Debian packages are missing and there is no apt-get here: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root, or install them yourself: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  # A service that a package brings along is not wanted: the scripts start their own, on loopback.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null && "${as_root[@]}" chmod 755 $policy && made=1
  fi
  "${as_root[@]}" apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt-get could not install ${missing[*]}"
  [ -z "$made" ] || "${as_root[@]}" rm -f $policy
}

# What building and running need.
BUILD_PACKAGES=(librabbitmq-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libsqlite3-dev libpq-dev pkg-config)

need_swift() {
  command -v swift >/dev/null || fail "no swift on PATH; install a Swift 6.3 toolchain (swift.org/install)"
}

# Prints a TCP port of loopback that is free now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until a URL answers 200. Arguments: what it is, url, seconds, pid of who should answer, its log.
wait_for_url() {
  local what=$1 url=$2 seconds=$3 pid=$4 log=$5 deadline
  deadline=$((SECONDS + seconds))
  until curl -fsS --noproxy '*' -o /dev/null "$url" 2>/dev/null; do
    if ! kill -0 "$pid" 2>/dev/null; then tail -5 "$log" >&2; fail "$what ended before it was ready; its log is $log"; fi
    if [ $SECONDS -ge $deadline ]; then tail -5 "$log" >&2; fail "$what was not ready in $seconds s; its log is $log"; fi
    sleep 0.2
  done
}

# Waits until a file has something in it. Arguments: what makes it, file, seconds, pid of who should make it, its log.
wait_for_file() {
  local what=$1 file=$2 seconds=$3 pid=$4 log=$5 deadline
  deadline=$((SECONDS + seconds))
  until [ -s "$file" ]; do
    if ! kill -0 "$pid" 2>/dev/null; then tail -5 "$log" >&2; fail "$what ended before it was ready; its log is $log"; fi
    [ $SECONDS -lt $deadline ] || fail "$what was not ready in $seconds s; its log is $log"
    sleep 0.1
  done
}

# Asks a process to end and waits for it; kills it after some seconds.
end_process() {
  local pid=$1 seconds=${2:-30}
  kill -TERM "$pid" 2>/dev/null || return 0
  local deadline=$((SECONDS + seconds))
  while kill -0 "$pid" 2>/dev/null; do
    if [ $SECONDS -ge $deadline ]; then kill -KILL "$pid" 2>/dev/null; break; fi
    sleep 0.1
  done
}
