# shellcheck shell=bash
# Steps of a test run: each is a command with a log of its own and one line on the terminal. What came out is collected
# in $logs/summary, one line each: "passed N", "failed WHERE: what", "skipped WHERE: why".

start_report() {
  mkdir -p "$logs"
  : >"$logs/summary"
}

note() { # LINE...: into the summary, whole, whoever else writes
  printf '%s\n' "$@" | flock "$logs/summary" tee --append "$logs/summary" >/dev/null
}

show() { # NAME WORD SECONDS LOG
  printf '%-28s %-8s %5d s   %s\n' "$@"
}

skip() { # NAME REASON
  note "skipped $1: $2"
  printf '%-28s %-8s %s\n' "$1" skipped "$2"
}

# Runs a command with its output in a log. Returns its status, and says nothing about tests.
logged() { # NAME COMMAND...
  local name=$1 log=$logs/${1//[ \/]/-}.log began=$SECONDS status=0
  shift
  "$@" >"$log" 2>&1 </dev/null || status=$?
  show "$name" "$([ $status -eq 0 ] && echo ok || echo FAILED)" $((SECONDS - began)) "$log"
  return $status
}

# A step whose success is a precondition, not a test (a build): counted only if it fails.
prepare() { # NAME COMMAND...
  logged "$@" && return
  note "failed $1: exit status $?, see its log"
  return 1
}

# A step that is one test by itself.
check() { # NAME COMMAND...
  if logged "$@"; then note "passed 1"; else note "failed $1: see its log"; fi
}

# A step that writes a JUnit report; its tests are what counts. A program that fails without a failed test in its report
# counts as one.
report() { # NAME REPORT COMMAND...
  local name=$1 file=$2 status=0 lines
  shift 2
  rm -f "$file"
  logged "$name" "$@" || status=$?
  lines=$(/usr/bin/python3 tests/support/tally.py "$name" "$file")
  note "$lines"
  if [ $status -ne 0 ] && ! grep -q '^failed' <<<"$lines"; then note "failed $name: exit status $status, see its log"; fi
}

# The outcome of a test run in another tree, under a name that says which.
adopt() { # NAME SUMMARY
  sed "s|^\(failed\|skipped\) |&$1 |" "$2" >>"$logs/summary"
}

# One line for each reason in each step, however many tests have it; the summary names them all.
by_reason() { # skipped|failed
  awk -v "word=$1" '
    $1 == word {
      step = substr($0, length(word) + 2); sub(/: .*/, "", step)
      reason = $0; sub(/^[^:]*: /, "", reason)
      if (match(reason, /^[^ []+(\[[^]]*\])?: /)) reason = substr(reason, RLENGTH + 1)
      key = step ": " reason
      if (!count[key]++) first[key] = $0
    }
    END {
      for (key in count) print word == "failed" && count[key] == 1 ? first[key] : word " " count[key] " x " key
    }' "$logs/summary" | sort
}

end_report() {
  local passed failed skipped
  passed=$(awk '$1 == "passed" { n += $2 } END { print n + 0 }' "$logs/summary")
  failed=$(grep -c '^failed ' "$logs/summary" || true)
  skipped=$(grep -c '^skipped ' "$logs/summary" || true)
  echo
  by_reason skipped
  by_reason failed
  printf '%d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
