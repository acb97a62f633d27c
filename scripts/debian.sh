# What scripts know of this machine's Debian, to be sourced.
# shellcheck shell=bash

# The name of this machine's release.
debian_codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# The mirror from which this machine gets its own release; fails if apt has none.
debian_mirror() {
  local codename uri
  codename=$(debian_codename)
  # shellcheck disable=SC2016 # apt replaces these
  uri=$(apt-get indextargets --format '$(CREATED_BY) $(COMPONENT) $(REPO_URI) $(RELEASE) $(CODENAME)' \
    | awk -v name="$codename" '$1 == "Packages" && $2 == "main" && ($4 == name || $5 == name) { print $3; exit }')
  if [ -z "$uri" ]; then
    printf 'apt has no source for the main component of %s\n' "${codename:-this release}" >&2
    return 1
  fi
  printf '%s' "$uri"
}

# Fills a folder with a minimal system of this release, and further packages. Needs root, and
# debootstrap from .runlog/tools or on PATH.
debian_root() { # folder packages...
  local folder="$1" tool="$PWD/.runlog/tools/debootstrap" include=() log
  shift
  if [ $# -gt 0 ]; then include=("--include=$(IFS=,; printf '%s' "$*")"); fi
  log=$(mktemp)
  if ! DEBOOTSTRAP_DIR=$([ -d "$tool" ] && printf '%s' "$tool/usr/share/debootstrap" || printf '%s' /usr/share/debootstrap) \
    PATH="$tool/usr/sbin:$PATH:/usr/sbin:/sbin" \
    debootstrap --variant=minbase "${include[@]}" "$(debian_codename)" "$folder" "$(debian_mirror)" > "$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm "$log"
    return 1
  fi
  rm "$log"
}
