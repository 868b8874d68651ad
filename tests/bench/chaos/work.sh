# What every command of a chaos run does: sh work.sh TOKEN LINES PAUSE CODE
# It marks its start and its end in the kept workspace, with the time of the machine's
# own clock, and prints numbered lines and its stack's secret in several forms.
token=$1 lines=$2 pause=$3 code=$4

mark() {
  read -r up rest </proc/uptime
  printf '%s %s %s %s %s\n' "$1" "$HANDRAIL_RUN" "$HANDRAIL_STACK" "$token" "$up" \
    >>/mnt/workspace/marks
}

mark start
learned=lrn$(printf %s "$token" | md5sum | cut -c1-16)
printf '::add-mask::%s\n' "$learned"
count=0 step=$((lines / 10 + 1))
while [ "$count" -lt "$lines" ]; do
  count=$((count + 1))
  printf '%s %06d %05d The quick brown fox jumps over the lazy dog.\n' \
    "$token" "$count" "$((count * 7919 % 65521))"
  [ "$((count % step))" -ne 0 ] || usleep "$((pause * 1000))"
done
printf 'raw %s' "${CANARY%????????????}"
usleep "$((pause * 1000))"
printf '%s\n' "${CANARY#????????????}"
printf 'base64 %s\n' "$(printf %s "$CANARY" | base64)"
printf 'hex %s\n' "$(printf %s "$CANARY" | xxd -p | tr -d '\n')"
printf 'json "%s"\n' "$(printf %s "$CANARY" | sed 's/["\\]/\\&/g')"
printf 'learned %s' "${learned%????????}"
usleep "$((pause * 1000))"
printf '%s\n' "${learned#???????????}"
printf '%s ends with %s\n' "$token" "$code"
mark end
exit "$code"
