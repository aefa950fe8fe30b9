#!/bin/bash
# One member of the replica set, from its start to mongod. README.md says what it promises.
set -Eeuo pipefail

readonly lib=${BASH_SOURCE%/*} data=/data/db run=/run/mongo
readonly task_file=$data/.task
# HOME is in memory: the user's own is the volume.
readonly as_mongodb=(setpriv --reuid=mongodb --regid=mongodb --init-groups env HOME="$run")

log() { # level event message
  printf '{"time":"%(%Y-%m-%dT%H:%M:%SZ)T","level":"%s","event":"%s","member":"%s","message":"%s"}\n' \
    -1 "$1" "$2" "${MONGO_MEMBER:-}" "$3"
}

wrong() {
  log ERROR settings_wrong "$1"
  exit 64
}

check_settings() {
  local name
  for name in MONGO_MEMBER MONGO_MEMBERS MONGO_REPLICA_SET MONGO_CACHE_GB MONGO_BOOTSTRAPPED \
    MONGO_REPLICA_KEY MONGO_TLS_CERTIFICATE MONGO_TLS_CA; do
    [[ -n ${!name:-} ]] || wrong "$name is not set"
  done
  [[ ,$MONGO_MEMBERS, == *,"$MONGO_MEMBER",* ]] || wrong "MONGO_MEMBER is not one of MONGO_MEMBERS"
  [[ $MONGO_BOOTSTRAPPED =~ ^(true|false)$ ]] || wrong "MONGO_BOOTSTRAPPED must be true or false"
}

secret_file() { # variable file
  (umask 0077 && printf '%s\n' "${!1}" >"$run/$2")
  chown mongodb:mongodb "$run/$2"
  chmod 0400 "$run/$2"
  unset "$1"
}

# Which task this is: ECS gives its ARN. Elsewhere a volume belongs to whoever mounts it.
task=local
ask_for_task() {
  [[ -z ${ECS_CONTAINER_METADATA_URI_V4:-} ]] || task=$("${as_mongodb[@]}" mongosh --quiet --nodb --file "$lib/task.js")
}

# SIGTERM must end the wait: bash acts on it only between two commands that it waits for.
pause() {
  sleep "$1" &
  wait $!
}

# mongod finds itself in the set's configuration by its name. Started while the name still leads to the task before it,
# mongod takes itself for removed, and stays so (seen on 6.0.5).
own_name_leads_here() {
  local address
  for address in $(getent ahostsv4 "${MONGO_MEMBER%:*}" | cut -d ' ' -f 1); do
    [[ " $(hostname -I) " == *" $address "* ]] && return
  done
  return 1
}

wait_until() { # event message command...
  trap 'exit 0' TERM INT
  touch "$run/waiting"
  until "${@:3}"; do
    log WARNING "$1" "$2"
    pause 3
  done
  rm "$run/waiting"
  trap - TERM INT
}

check_settings
mkdir -p "$run"
chown mongodb:mongodb "$run" "$data"
secret_file MONGO_REPLICA_KEY keyfile
# Restarted in place, this task may have a newer certificate than the one that it was started with.
if [[ -e $run/server.pem ]]; then unset MONGO_TLS_CERTIFICATE; else secret_file MONGO_TLS_CERTIFICATE server.pem; fi
secret_file MONGO_TLS_CA ca.pem

wait_until name_waiting "the name ${MONGO_MEMBER%:*} does not lead to this container yet" own_name_leads_here
wait_until task_waiting "the ECS metadata endpoint does not say which task this is" ask_for_task
if [[ $MONGO_BOOTSTRAPPED == true && $(cat "$task_file" 2>/dev/null) != "$task" ]]; then
  wait_until rejoin_waiting "no primary took this member back; an empty disk is not started as a voter" \
    "${as_mongodb[@]}" mongosh --quiet --nodb --file "$lib/rejoin.js"
  log INFO rejoin_done "left the set and joined it again; no vote before the initial sync is done"
fi
# From here on the disk is this task's: restarted in place, it starts at once.
echo "$task" >"$task_file"

log INFO mongod_starting "starting mongod"
"${as_mongodb[@]}" "$lib/report-state" &
exec setpriv --reuid=mongodb --regid=mongodb --init-groups mongod --bind_ip_all --port "${MONGO_MEMBER##*:}" --nounixsocket --dbpath "$data" \
  --replSet "$MONGO_REPLICA_SET" --keyFile "$run/keyfile" --wiredTigerCacheSizeGB "$MONGO_CACHE_GB" \
  --tlsMode requireTLS --tlsCertificateKeyFile "$run/server.pem" --tlsCAFile "$run/ca.pem" \
  --tlsAllowConnectionsWithoutCertificates
