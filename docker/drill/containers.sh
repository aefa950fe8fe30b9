# shellcheck shell=bash
# The members as containers: both images of the project, built with podman. Read by `run`, which has `state` and `need`.
#
# Needs podman with netavark, aardvark-dns and runc. Where the official images cannot be pulled, also debootstrap, node and
# npm: local stand-ins are made, with this project's mongod.

# Leaves the base images in mongo_base and python_base.
containers_possible() {
  need podman "Debian: apt-get install podman runc netavark aardvark-dns iptables iproute2 debootstrap" && need runc &&
    configure_podman && a_container_runs && find_base_images
}

configure_podman() {
  mkdir -p "$state/networks"
  # A store of our own, so that nothing of this machine's containers is touched; runc and cgroupfs also run without systemd.
  cat >"$state/containers.conf" <<CONF
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime="runc"
[network]
network_backend="netavark"
network_config_dir="$state/networks"
[containers]
default_ulimits=["nofile=20000:20000","nproc=4096:4096"]
base_hosts_file="none"
CONF
  printf '[storage]\ndriver="overlay"\ngraphroot="%s/graph"\nrunroot="%s/run"\n' "$state" "$state" >"$state/storage.conf"
  printf '{"default":[{"type":"insecureAcceptAnything"}]}' >"$state/policy.json"
  export CONTAINERS_CONF=$state/containers.conf CONTAINERS_STORAGE_CONF=$state/storage.conf
}

# podman may answer and yet be allowed no container, or no network. Tried with this machine's own `true`.
a_container_runs() {
  local root=$state/work/true libraries
  mapfile -t libraries < <(ldd /bin/true | grep --only-matching '/[^ ]*')
  if mkdir -p "$root" && cp --dereference --parents --target-directory "$root" /bin/true "${libraries[@]}" &&
    {
      podman network exists forecast-drill-try || podman network create --subnet 10.203.1.0/24 forecast-drill-try
    } >/dev/null 2>"$state/work/podman.log" &&
    podman run --rm --network forecast-drill-try --rootfs "$root" /bin/true >/dev/null 2>"$state/work/podman.log"; then
    podman network rm --force forecast-drill-try >/dev/null
  else
    missing="podman runs no container: $(tail -n 1 "$state/work/podman.log")"
    return 1
  fi
}

find_base_images() {
  # By its digest alone: not every podman takes a tag beside it.
  mongo_base=docker.io/library/$(sed -n 's/^ARG MONGO_IMAGE=\([a-z]*\).*@/\1@/p' docker/mongo/Dockerfile)
  python_base=docker.io/library/$(sed -n 's/^ARG PYTHON_IMAGE=//p' Dockerfile)
  if available "$mongo_base" && available "$python_base"; then return; fi
  local mongod made_by
  mongod=$(.venv/bin/python -c 'from forecast.mongo.embedded import find_mongod; print(find_mongod() or "")')
  [[ -n $mongod ]] || { missing="neither the official images nor a mongod are to be had here"; return 1; }
  need debootstrap "for stand-ins of the official images" && need npm "for the stand-in's mongosh" || return 1
  echo "The official images cannot be pulled here; local stand-ins take their place, with this project's mongod." >&2
  # Made again when the scripts that make them have changed.
  made_by=$(cat docker/drill/stand-in docker/drill/mongosh | cksum | cut -d ' ' -f 1)
  mongo_base=localhost/mongo-stand-in:$("$mongod" --version | sed -n 's/^db version v//p')-$made_by
  python_base=localhost/python-stand-in:bookworm-$made_by
  make_stand_in mongo "$mongo_base" "$mongod" && make_stand_in python "$python_base"
}

available() { # image
  podman image exists "$1" || timeout 300 podman pull --quiet --signature-policy "$state/policy.json" "$1" >/dev/null 2>&1
}

make_stand_in() { # kind image ...
  podman image exists "$2" || docker/drill/stand-in "$@" || { missing="the stand-in of $1's image cannot be made"; return 1; }
}

build_images() {
  build mongo docker/mongo --build-arg "MONGO_IMAGE=$mongo_base"
  build pipeline . --build-arg "MONGO_IMAGE=$mongo_base" --build-arg "PYTHON_IMAGE=$python_base"
  echo "mongod of the image: $(in_image mongo mongod | sed -n 's/^db version //p')," \
    "Python of the other: $(in_image pipeline python), podman $(podman version --format '{{.Client.Version}}')" >&2
}

build() { # name, context, build arguments...
  podman build --quiet --isolation chroot --pull-never --format docker --signature-policy "$state/policy.json" \
    "${@:3}" --tag "localhost/forecast-$1:drill" "$2" >"$state/work/build-$1.log" 2>&1 ||
    { tail -n 20 "$state/work/build-$1.log" >&2; exit 1; }
}

in_image() { podman run --rm --no-healthcheck --entrypoint "$2" "localhost/forecast-$1:drill" --version; }
