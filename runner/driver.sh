# The entrypoint of every container: $1 nonce, $2 workspace, $3 project root, $4
# not empty if it has to wait for its files, $5 the file in which a second process
# finds this session at the gate, if one is to, then pairs of a kind and a text.
# The texts run by `eval` in this one shell, so what they export, define and change
# reaches those after them and the command.

exec 2>&1 9>&1
__hr_nonce=$1 __hr_workspace=$2 __hr_root=$3 __hr_waits=$4 __hr_session=$5
__hr_stage=preparing __hr_interrupted=
shift 5

# The texts are kept in variables because a text may `set --` anything.
__hr_count=0
while [ $# -gt 0 ]; do
  __hr_count=$((__hr_count + 1))
  eval "__hr_kind_$__hr_count=\$1 __hr_text_$__hr_count=\$2"
  shift 2
done

__hr_mark() {
  printf '\036handrail %s %s\037\n' "$__hr_nonce" "$1" >&9
}

__hr_select() {
  eval "__hr_kind=\$__hr_kind_$1 __hr_text=\$__hr_text_$1"
}

# Descriptor 9 is the driver's own way out: a text that redirects its output
# for good cannot hide the marks.
__hr_eval() {
  eval "$__hr_text" </dev/null 9>&-
}

# No `||` around __hr_eval: it would switch off a `set -e` of the text.
__hr_each() {
  __hr_index=0
  while [ "$__hr_index" -lt "$__hr_count" ]; do
    __hr_index=$((__hr_index + 1))
    __hr_select "$__hr_index"
    if [ "$__hr_kind" = "$1" ]; then
      __hr_eval
      __hr_code=$?
      [ "$__hr_code" -eq 0 ] || exit "$__hr_code"
      [ -z "$__hr_interrupted" ] || exit 130
    fi
  done
}

__hr_state() {
  case $1:$__hr_stage in
    0:*) HANDRAIL_FINAL_STATE=finished ;;
    130:preparing | 130:initializing | 130:gate) HANDRAIL_FINAL_STATE=stopped ;;
    *) HANDRAIL_FINAL_STATE=failed ;;
  esac
  export HANDRAIL_FINAL_STATE
}

# Each after_run text has a subshell, so that its `exit` cannot change the code.
__hr_finish() {
  __hr_exit=$1
  trap - EXIT
  set +eu
  if [ "$__hr_exit" -eq 0 ] && [ "$__hr_stage" != ended ]; then
    printf '%s\n' 'handrail: a script ended the shell before the command ran'
    __hr_exit=1
  fi
  __hr_state "$__hr_exit"
  __hr_index=0
  while [ "$__hr_index" -lt "$__hr_count" ]; do
    __hr_index=$((__hr_index + 1))
    __hr_select "$__hr_index"
    [ "$__hr_kind" != after_run ] || (__hr_eval)
  done
  exit "$__hr_exit"
}

# Files of the source before this one that the source no longer has.
__hr_forget_removed() {
  [ -f "$__hr_workspace/.handrail/removed.list" ] || return 0
  while IFS= read -r __hr_file; do
    rm -f -- "$__hr_workspace/source/$__hr_file" 2>/dev/null
  done <"$__hr_workspace/.handrail/removed.list"
  rm -f -- "$__hr_workspace/.handrail/removed.list"
}

# In a subshell, so that nothing that fails here ends the driver. What bash cannot
# set is left out, where `export -n` is known.
__hr_remember() (
  umask 077
  command export -n UID EUID PPID SHELLOPTS BASHOPTS || :
  export __hr_directory="$(command pwd)"
  export -p >"$__hr_session"
)

# Shells run a trap only once the child in the foreground has ended.
trap 'exit 130' INT
trap '__hr_finish $?' EXIT

[ -z "$__hr_waits" ] || IFS= read -r __hr_line || exit 130

__hr_forget_removed
if ! cd "$__hr_workspace/source/$__hr_root" 2>/dev/null; then
  printf 'handrail: the workspace has no directory "%s" to work in\n' "$__hr_root"
  exit 1
fi

__hr_index=0
while [ "$__hr_index" -lt "$__hr_count" ]; do
  __hr_index=$((__hr_index + 1))
  __hr_select "$__hr_index"
  [ "$__hr_kind" != command ] || __hr_command=$__hr_text
  [ "$__hr_kind" != initializing ] || __hr_stage=initializing
done

if [ "$__hr_stage" = initializing ]; then
  __hr_mark initializing
  __hr_each initializing
fi

__hr_stage=gate
# The redirections hide what a `set -x` of a text would show.
{ [ -z "$__hr_session" ] || __hr_remember || :; } 2>/dev/null
__hr_mark gate
IFS= read -r __hr_line || exit 130
{ [ -z "$__hr_session" ] || rm -f -- "$__hr_session" || :; } 2>/dev/null

# From here on Ctrl-C is the command's to answer: terraform releases its lock.
__hr_stage=performing
trap '__hr_interrupted=yes' INT
__hr_mark performing
__hr_each before_perform
__hr_code=0
/bin/sh -c "$__hr_command" </dev/null 9>&- || __hr_code=$?
__hr_stage=ended
__hr_mark ended
[ "$__hr_code" -eq 0 ] || exit "$__hr_code"
[ -z "$__hr_interrupted" ] || exit 130
__hr_each after_perform
exit 0
