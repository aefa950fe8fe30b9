# shellcheck shell=bash
# The members without containers: this project's mongod, in namespaces that `member` furnishes. Read by `run`, which has
# `state` and `need`.
#
# Needs iproute2, util-linux, hostname, node and npm.

# Leaves what `member` reads in DRILL_MONGOD and DRILL_NODE.
namespaces_possible() {
  local command
  for command in setpriv mount chroot hostname getent node; do need "$command" || return 1; done
  [[ -x $(mongosh_folder)/node_modules/.bin/mongosh ]] || need npm "for mongosh" || return 1
  DRILL_NODE=$(readlink --canonicalize "$(command -v node)")
  DRILL_MONGOD=$(.venv/bin/python -c 'from forecast.mongo.embedded import find_mongod; print(find_mongod() or "")')
  [[ -n $DRILL_MONGOD ]] || { missing="no mongod is to be had here"; return 1; }
  unshare --mount --uts --net --pid --fork bash -c '
    mount -t tmpfs drill /run && hostname drill && ip netns add other && ip link add drill type bridge &&
      ip link add outside type veth peer name inside netns other' >"$state/work/namespaces.log" 2>&1 ||
    { missing="namespaces do not work: $(tail -n 1 "$state/work/namespaces.log")"; return 1; }
}

# By the script that fills it, so that another version is installed anew.
mongosh_folder() { echo "$state/mongosh-$(cksum <docker/drill/mongosh | cut -d ' ' -f 1)"; }

find_programs() {
  DRILL_MONGOSH=$(mongosh_folder)
  if [[ ! -x $DRILL_MONGOSH/node_modules/.bin/mongosh ]]; then
    rm -rf "$state/mongosh"
    docker/drill/mongosh "$state/mongosh" >"$state/work/npm.log" 2>&1 ||
      skip "npm installs no mongosh: $(tail -n 1 "$state/work/npm.log")"
    rm -rf "$DRILL_MONGOSH"
    mv "$state/mongosh" "$DRILL_MONGOSH"
  fi
  export DRILL_MONGOD DRILL_NODE DRILL_MONGOSH
  echo "mongod $("$DRILL_MONGOD" --version | sed -n 's/^db version //p')," \
    "mongosh $("$DRILL_MONGOSH/node_modules/.bin/mongosh" --version), node $("$DRILL_NODE" --version)" >&2
}
