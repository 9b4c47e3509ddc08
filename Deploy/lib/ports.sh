# Sourced by broker.sh and postgres.sh: which TCP ports of this machine are in use.

# Whether something listens on a TCP port of any address.
listening() {
  hex=$(printf ':%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

# A port below the kernel's ephemeral range that nobody listens on, and none of those in $taken.
free_port() {
  tries=0
  while [ $tries -lt 200 ]; do
    number=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
    port=$((20000 + number % 12000))
    case " ${taken:-} " in *" $port "*) ;; *) if ! listening "$port"; then echo "$port"; return 0; fi ;; esac
    tries=$((tries + 1))
  done
  return 1
}
