#!/bin/sh
# shutdown(8), poweroff, halt and reboot in a machine without systemd. MINUTE is how many seconds a minute lasts here (tests are in a hurry).
# The end of process 1 is the end of the machine; here a reboot is an end too.
minute=@MINUTE@ timer=/run/shutdown.timer

cancel() {
	[ ! -e $timer ] || kill "$(cat $timer)" 2>/dev/null
	rm -f $timer
}

when=now
[ "${0##*/}" != shutdown ] || when=+1
for word; do
	case $word in
	-c) cancel && exit ;;
	-*) ;;
	now | +[0-9]*) when=$word && break ;;
	[0-9]*:*) echo "shutdown: a time of day is not played: $word" >&2 && exit 1 ;;
	esac
done
cancel
if [ "$when" = now ] || [ "$when" = +0 ]; then
	kill -TERM 1
	exit
fi
# shellcheck disable=SC2016
setsid sh -c 'echo $$ >"$1"; sleep "$2"; kill -TERM 1' shutdown $timer "$(awk "BEGIN { print ${when#+} * $minute }")" </dev/null >/dev/null 2>&1 &
while [ ! -s $timer ]; do sleep 0.01; done
