# Prints 100 lines a second for a number of seconds: sh -c "$(cat lines.sh)" sh SECONDS
# Each line has the machine's own clock in hundredths of a second. It starts no process
# of its own: a hundred of these are to cost as little as can be.
bursts=$(($1 * 10)) done=0
mkfifo /tmp/never && exec 3<>/tmp/never

look() {
  read -r up rest </proc/uptime
  now=${up%.*}${up#*.}
}

look
began=$now
while [ "$done" -lt "$bursts" ]; do
  line=0
  while [ "$line" -lt 10 ]; do
    line=$((line + 1))
    printf '@%s %06d The quick brown fox jumps over the lazy dog.\n' \
      "$now" "$((done * 10 + line))"
  done
  done=$((done + 1))
  look
  left=$((began + done * 10 - now))
  case $left in
    -* | 0) ;;
    ?) read -r -t "0.0$left" word <&3 ;;
    *) read -r -t "0.$left" word <&3 ;;
  esac
  look
done
