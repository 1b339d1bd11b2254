#!/bin/bash
# usage: tests/support/quickstart.sh BIN-FOLDER
#
# Runs packaging/quickstart, also with --keep and --end, and checks that it leaves no process, mount or file behind.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin_dir=$1

# What the stage, or a tool on it, could leave or touch: its own processes, mounts, folders, and the files of the
# machine's own Postfix and NSD with their times.
traces() {
  grep -ls '/tmp/danegate-stag[e]\.' /proc/[0-9]*/cmdline || true # not the grep itself
  findmnt --noheadings --list --output TARGET
  find /tmp -maxdepth 1 -name 'danegate-*'
  find /etc/postfix /etc/nsd /var/spool/postfix /var/lib/postfix /var/lib/nsd /run/danegate /run/nsd \
    -printf '%p %T@\n' 2>/dev/null | sort || true # not every machine has all of them
}

check_traces() { # WHEN
  if ! diff <(echo "$before") <(traces); then
    echo "left behind $1; see above" >&2
    exit 1
  fi
}

before=$(traces)
packaging/quickstart --bin-dir "$bin_dir"
check_traces "by a plain run"

kept=$(packaging/quickstart --bin-dir "$bin_dir" --keep)
printf '%s\n' "$kept"
stage=$(sed -n 's/^The stage is left running in \(.*\):$/\1/p' <<<"$kept")
[ -d "$stage" ] || { echo "--keep did not say where the stage is" >&2 && exit 1; }
# Every command that it prints has to work; then the end.
mapfile -t commands < <(sed -n 's/^  \$ //p' <<<"$kept")
[ ${#commands[@]} -ge 2 ] || { echo "--keep did not say how to talk to it" >&2 && exit 1; }
for command in "${commands[@]}"; do bash -euc "$command"; done
packaging/quickstart --end "$stage"
check_traces "after --keep and --end"
