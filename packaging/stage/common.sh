# shellcheck shell=bash
# What the parts of the stage share. `stage` is the folder that everything lives in; its name starts with
# /tmp/danegate-stage. and every long-running process has it in its command line, which is how the stage is ended.

say() {
  printf '%s\n' "$*"
}

die() {
  printf 'quickstart: %s\n' "$*" >&2
  exit 1
}

# Two loopback ports that nobody uses, for UDP and TCP.
free_ports() {
  python3 - <<'EOF'
import contextlib
import socket

with contextlib.ExitStack() as stack:
    found = []
    while len(found) < 2:
        tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        tcp.bind(("127.0.0.1", 0))
        with contextlib.suppress(OSError):
            udp.bind(tcp.getsockname())
            found.append(tcp.getsockname()[1])
    print(*found)
EOF
}

# Starts a process of its own session, so that --keep outlives this terminal, and notes it for end_stage.
launch() { # LOG COMMAND...
  local log=$1
  shift
  setsid "$@" >>"$log" 2>&1 </dev/null &
  echo $! >>"$stage/pids"
}

wait_for() { # WHAT LOG COMMAND...: until the command succeeds; after some ten seconds shows the log and gives up
  local what=$1 log=$2 deadline=$((SECONDS + 10))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $deadline ]; then
      tail -n 20 "$log" >&2
      die "$what: not there after ten seconds; its log is above"
    fi
    sleep 0.1
  done
}

# True for a process that belongs to the stage: pids are reused, command lines tell.
is_ours() { # PID
  grep -qsF "$stage" "/proc/$1/cmdline"
}

end_process() { # PID
  local tries
  is_ours "$1" || return 0
  kill "$1"
  for ((tries = 0; tries < 100; tries++)); do
    is_ours "$1" || return 0
    sleep 0.1
  done
  kill -KILL "$1" || true
}

# Ends every process of the stage and removes its folder.
end_stage() {
  local pid
  if [ -e "$stage/postfix/conf/main.cf" ]; then
    postfix -c "$stage/postfix/conf" stop >/dev/null 2>&1 || true
  fi
  if [ -e "$stage/pids" ]; then
    while read -r pid; do end_process "$pid"; done <"$stage/pids"
  fi
  rm -rf "$stage"
}
