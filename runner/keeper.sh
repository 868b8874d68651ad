# What every container begins with: $1 the directory for what is kept, $2 the driver,
# then the driver's words. A copy of all that is printed goes into a file, because an
# engine that is down while the container ends, or is killed, loses what it was given.

__hr_kept=$1 __hr_driver=$2
shift 2

# Only below a container's init: what is left there in the end is to be killed.
__hr_can_keep() {
  [ "$PPID" = 1 ] && [ -r /proc/self/stat ] || return 1
  command -v tee && command -v mkfifo || return 1
  [ -d "$__hr_kept" ] || mkdir "$__hr_kept" || return 1
  [ -w "$__hr_kept" ] && mkfifo -m 600 "$__hr_kept/pipe"
}

# What is left running holds the pipe open. It would end with the container anyway.
__hr_end_the_rest() {
  for __hr_round in 1 2 3 4 5 6 7 8 9 10; do
    __hr_left=
    for __hr_process in /proc/[0-9]*; do
      __hr_process=${__hr_process#/proc/}
      case $__hr_process in
        1 | "$$" | "$__hr_tee") ;;
        *) kill -KILL "$__hr_process" && __hr_left=yes ;;
      esac
    done
    [ -n "$__hr_left" ] || break
  done
}

__hr_can_keep >/dev/null 2>&1 || exec /bin/sh -c "$__hr_driver" handrail "$@"

# Everybody is sent SIGINT; and scripts may `kill 0`, which means these two as well.
(
  trap '' HUP INT QUIT TERM
  exec tee "$__hr_kept/output" <"$__hr_kept/pipe" 2>/dev/null
) &
__hr_tee=$!
trap : HUP INT QUIT TERM
# What this shell says of a driver that was killed is no output.
exec >"$__hr_kept/pipe" 2>/dev/null
/bin/sh -c "$__hr_driver" handrail "$@"
__hr_code=$?
exec >/dev/null </dev/null
__hr_end_the_rest
# A signal ends a wait, not what is waited for.
while kill -0 "$__hr_tee"; do
  wait "$__hr_tee"
done
exit "$__hr_code"
