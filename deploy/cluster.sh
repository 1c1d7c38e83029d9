# A cluster of real processes on loopback for deploy/run and deploy/bench: start, watch, stop by process id. Source lib.sh first.

muster=${MUSTER_BINARY:-$root/build/muster}
work=''         # The temporary folder of everything.
coordinator=''  # HOST:PORT
declare -A pid_of=()

make_work_folder() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/muster-$(basename "$0").XXXXXX")
  mkdir "$work/store"
}

# Waits for the first line of a file that begins with a text; the process must live on meanwhile.
await_line() { # FILE TEXT PID
  local tries=0 line
  until line=$(grep -m1 -F "$2" "$1" 2>/dev/null); do
    kill -0 "$3" 2>/dev/null || return 1
    [ $((tries += 1)) -le 600 ] || return 1
    sleep 0.05
  done
  echo "$line"
}

# Starts `muster ARGUMENTS` as NAME in the background; prints nothing. Its first line must begin with READY.
start_process() { # NAME READY ARGUMENTS...
  local name=$1 ready=$2
  shift 2
  # With --keep they outlive the terminal; without it this script ends them.
  (trap '' HUP; exec "$muster" "$@" >"$work/$name.out" 2>"$work/$name.err") &
  pid_of[$name]=$!
  disown "${pid_of[$name]}" # Its end is no news for the terminal.
  ready_line=$(await_line "$work/$name.out" "$ready" "${pid_of[$name]}") \
    || { tail -n 5 "$work/$name.err" >&2; die "$name did not start; the lines above are its last"; }
}

start_cluster() { # NODES
  local i
  start_process coordinator 'muster coordinator: listening' coordinator --data "$work/coordinator" --listen 127.0.0.1:0 \
    --http 127.0.0.1:0 --store "$work/store"
  coordinator=$(sed -n 's/.*listening on \([^,]*\),.*/\1/p' <<<"$ready_line")
  export MUSTER_COORDINATOR=$coordinator MUSTER_STORE=$work/store
  for ((i = 1; i <= $1; ++i)); do
    start_process "node-$i" 'muster node:' node --name "node-$i" --join "$coordinator" --listen 127.0.0.1:0 \
      --data "$work/node-$i" --store "$work/store"
  done
  "$muster" wait --nodes "$1" --timeout-s 20 >/dev/null
}

# Ends one process: asks, waits, and after 5 s does not ask again.
stop_process() { # NAME [SECONDS]
  local pid=${pid_of[$1]:-} tries=0
  [ -n "$pid" ] || return 0
  unset "pid_of[$1]"
  kill -CONT "$pid" 2>/dev/null || true
  kill -TERM "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do
    [ $((tries += 1)) -le $((20 * ${2:-5})) ] || { kill -KILL "$pid" 2>/dev/null || true; return 0; }
    sleep 0.05
  done
}

# Everything goes: processes by their ids, then the folder.
stop_cluster() {
  trap '' INT TERM HUP PIPE
  end_foreground
  local name pid
  for name in "${!pid_of[@]}"; do [ "$name" = coordinator ] || kill -TERM "${pid_of[$name]}" 2>/dev/null || true; done
  for name in "${!pid_of[@]}"; do [ "$name" = coordinator ] || stop_process "$name"; done
  stop_process coordinator
  # A signal may have come between the start of a process and the note of its id.
  for pid in $(jobs -p); do kill -KILL "$pid" 2>/dev/null || true; done
  [ -z "$work" ] || rm -rf "$work"
}

# Writes a script that does the same later, when this one has ended: to all processes over the folder, whoever started them.
write_stop_script() { # FILE
  cat >"$1" <<STOP
#!/bin/sh
# Ends the cluster that $(basename "$0") --keep left running, and removes its files.
running() {
  for process in /proc/[0-9]*; do
    tr '\\0' ' ' <"\$process/cmdline" 2>/dev/null | grep -qF -- "--data $work/" && echo "\${process#/proc/}"
  done
}
tries=0
kill \$(running) 2>/dev/null
while [ -n "\$(running)" ]; do
  tries=\$((tries + 1))
  [ \$tries -ne 100 ] || kill -KILL \$(running) 2>/dev/null
  sleep 0.1
done
rm -rf '$work'
STOP
}

import_sample() { # NAME
  foreground "$muster" import "$1" --vectors "$root/deploy/sample/base.npy" --ids "$root/deploy/sample/words.txt" \
    --metric cosine --shards 2 --segment-rows 1250
}

start_probe() { # COLLECTION SEARCHES
  start_process probe 'muster probe: searching' probe "$1" --vector-file "$root/deploy/sample/queries.npy" --seconds 120 \
    --at-least "$2" --report "$work/probe.txt"
}

probed() { # KEY
  awk -v key="$1" '$1 == key { print $2; exit }' "$work/probe.txt"
}

# Milliseconds since the epoch, now; no process is started for it.
now_ms() {
  local t=${EPOCHREALTIME/./}
  printf '%s.%s\n' "${t:0:-3}" "${t: -3}"
}

# A connected node that leads a shard: "NAME ID".
leading_node() {
  "$muster" status | awk '$3 == "connected" && $7 > 0 { print $1, $2; exit }'
}

# Milliseconds from T0 to the first routes without a node that the prober heard of.
rerouted_after() { # T0 NODE_ID
  awk -v t0="$1" -v node=",$2," '$1 == "routes" && $2 >= t0 && index($8, node) == 0 { printf "%.1f\n", $2 - t0; found = 1; exit }
    END { if (!found) print "none" }' "$work/probe.txt"
}

missed=0
# figure NAME VALUE UNIT at_least|at_most|is|none TARGET: the same line as tests/bench/figure.hpp prints.
figure() {
  local verdict=missed target=$5
  case $4 in
    none) verdict=met target=- ;;
    *)
      if awk -v v="$2" -v t="$5" -v how="$4" 'BEGIN {
           if (v !~ /^-?[0-9]+(\.[0-9]+)?$/) exit 1
           v += 0; t += 0
           exit !(how == "at_least" ? v >= t : how == "at_most" ? v <= t : v == t) }'; then
        verdict=met
      else
        missed=1
      fi
      ;;
  esac
  echo "figure $1 $2 $3 target $target $verdict"
}
