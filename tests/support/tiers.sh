# shellcheck shell=bash
# The tiers of tests/run, in order.

all_tiers=(unit integration chaos asan-ubsan tsan debian13 tidy quickstart bench)
by_name_only=(package hostile)

list_tiers() {
  cat <<EOF
unit         build/release; unit tests and the checks of the tree itself
integration  build/release with real Postfix, NSD and TLS clients
chaos        everything around danegated breaks while it is asked: 3 minutes, or as --chaos says
asan-ubsan   unit and quick integration tests under AddressSanitizer and UndefinedBehaviorSanitizer
tsan         the same under ThreadSanitizer; unit tests of what has threads
debian13     in a Debian 13 tree: unit and quick integration tests
tidy         clang-tidy over the program's sources
quickstart   packaging/quickstart, and that it leaves nothing behind
bench        that every benchmark runs; tests/bench/run measures
and only where they are named:
package      Debian packages, built and used in Debian 12 and 13 machines that are booted for it
hostile      attacks, and what they cost others, measured on a quiet machine
EOF
}

is_tier() {
  [[ " ${all_tiers[*]} ${by_name_only[*]} " == *" $1 "* ]]
}

debian_version() {
  sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release
}

install_packages_for() { # TIER...
  local tier lists
  lists=("packaging/build-packages.debian$(debian_version)" tests/packages.txt)
  [ -e "${lists[0]}" ] || { echo "tests/run: this is for Debian 12 and 13" >&2 && exit 1; }
  for tier in "$@"; do
    case $tier in
    integration | chaos | hostile | asan-ubsan | tsan) lists+=(tests/integration/packages.txt) ;;
    bench) lists+=(tests/integration/packages.txt tests/bench/packages.txt) ;;
    debian13) lists+=(tests/support/debian13-packages.txt) ;;
    tidy) lists+=(tests/lint/packages.txt) ;;
    quickstart) lists+=(packaging/stage/packages) ;;
    package) lists+=(tests/package/packages.txt) ;;
    esac
  done
  prepare packages packaging/install-packages "${lists[@]}" || { end_report || exit 1; }
}

built=()
broken=() # no second try, which would write over the log of the first

# The layers that have threads; ThreadSanitizer has nothing to look at in the others' unit tests.
threaded=(dns service policy milter)

build_preset() { # PRESET: once a run
  [[ " ${built[*]-} " != *" $1 "* ]] || return 0
  local options=() targets=() tier=${FUNCNAME[1]#tier_}
  if [[ " ${broken[*]-} " == *" $1 "* ]]; then
    skip "${tier//_/-}" "the $1 build failed"
    return 1
  fi
  if [ "$1" = tsan ]; then targets=(--target danegated danegate "${threaded[@]/#/test_}"); fi
  if command -v ccache >/dev/null; then
    export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 # a checkout elsewhere finds what this one compiled
    options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  if prepare "$1 configure" cmake --preset "$1" -B "$build/$1" "${options[@]}" &&
    prepare "$1 build" cmake --build "$build/$1" "${targets[@]}"; then
    built+=("$1")
  else
    broken+=("$1")
    return 1
  fi
}

unit_tests() { # PRESET PREFIX...
  local preset=$1 only=.
  if [ "$preset" = tsan ]; then only="^unit\\.($(IFS='|' && echo "${threaded[*]}"))\$"; fi
  shift
  report "$preset unit" "$logs/$preset-unit.xml" "$@" ctest --test-dir "$build/$preset" -j "$(nproc)" -R "$only" \
    --output-on-failure --output-junit "$(realpath -m "$logs/$preset-unit.xml")"
}

# Most of these tests wait for TTLs, time-outs and other programs, so two runs share the files, each taking the next one
# when it is through with one; those that wait for minutes or send hundreds of thousands of requests are a third, with the
# release build only.
integration_tests() { # PRESET PREFIX...
  local share run
  share=$(mktemp -d)
  for run in 1/2 2/2; do
    integration_run "$run" "not slow and not heavy and not chaos and not hostile" "$@" &
  done
  if [ -z "$quick" ] && [ "$1" = release ]; then integration_run slow "(slow or heavy) and not chaos and not hostile" "$@" & fi
  wait
  rm -r "$share"
}

integration_run() { # RUN SELECTION PRESET PREFIX...
  local name="$3 integration $1" file
  local command=(/usr/bin/python3 -m pytest tests/integration --bin-dir "$build/$3" -m "$2")
  file=$logs/${name//[ \/]/-}.xml
  [ "$1" = slow ] || command+=(--share "$share")
  shift 3
  report "$name" "$file" "$@" "${command[@]}" --junit-xml "$file"
}

tier_unit() {
  if build_preset release; then unit_tests release; fi
}

tier_integration() {
  if build_preset release; then integration_tests release; fi
}

# The same order of faults each time, and its seed on the terminal; DANEGATE_CHAOS_SEED makes another one.
tier_chaos() {
  local seed=${DANEGATE_CHAOS_SEED:-1}
  if [ -n "$quick" ]; then
    skip chaos "--quick leaves out what takes minutes"
    return
  fi
  build_preset release || return 0
  report "chaos seed $seed" "$logs/chaos.xml" env "DANEGATE_CHAOS_SECONDS=$chaos" "DANEGATE_CHAOS_SEED=$seed" \
    /usr/bin/python3 -m pytest tests/integration/test_chaos.py -m chaos --bin-dir "$build/release" \
    --junit-xml "$logs/chaos.xml"
}

tier_hostile() {
  build_preset release || return 0
  report hostile "$logs/hostile.xml" /usr/bin/python3 -m pytest tests/integration/test_hostile.py -m hostile \
    --bin-dir "$build/release" --junit-xml "$logs/hostile.xml"
}

tier_asan_ubsan() {
  build_preset asan-ubsan || return 0
  local environment=(env "ASAN_OPTIONS=detect_stack_use_after_return=1" "UBSAN_OPTIONS=print_stacktrace=1")
  unit_tests asan-ubsan "${environment[@]}"
  integration_tests asan-ubsan "${environment[@]}"
}

# GCC 12's ThreadSanitizer does not start where the kernel randomises addresses by more bits than it knows of, so it runs
# without that where the system lets us.
tier_tsan() {
  build_preset tsan || return 0
  local environment=(env "TSAN_OPTIONS=second_deadlock_stack=1")
  if setarch -R true 2>/dev/null; then environment+=(setarch -R); fi
  unit_tests tsan "${environment[@]}"
  integration_tests tsan "${environment[@]}"
}

tier_debian13() {
  if [ "$(debian_version)" = 13 ]; then
    skip debian13 "this is Debian 13: the other tiers are it"
    return
  fi
  if ! logged "debian13 tree" tests/support/debian13 true; then
    skip debian13 "the tree cannot be made: $(tail -n 1 "$logs/debian13-tree.log")"
    return
  fi
  rm -f "$logs/debian13/summary"
  logged debian13 tests/support/debian13 tests/run --quick --build /build --logs "$logs/debian13" unit integration || true
  if [ -e "$logs/debian13/summary" ]; then
    adopt debian13 "$logs/debian13/summary"
  else
    note "failed debian13: the run in the tree did not begin, see its log"
  fi
}

tier_package() {
  if ! findmnt --types cgroup2 >/dev/null; then
    skip package "systemd cannot be booted: cgroup2 is not mounted"
    return
  fi
  local codename
  for codename in bookworm trixie; do
    if ! logged "$codename tree" tests/package/tree "$codename" bare true; then
      skip package "the tree cannot be made: $(tail -n 1 "$logs/$codename-tree.log")"
      return
    fi
  done
  report package "$logs/package.xml" unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    /usr/bin/python3 -m pytest tests/package --junit-xml "$logs/package.xml"
}

tier_tidy() {
  if build_preset release; then check clang-tidy tests/lint/tidy "$build/release"; fi
}

tier_quickstart() {
  if build_preset release; then check quickstart tests/support/quickstart.sh "$build/release"; fi
}

tier_bench() {
  if build_preset release; then check bench tests/bench/run --smoke --build "$build/release"; fi
}
