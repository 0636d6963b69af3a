# What status says of a run that is under way, of one that was killed, and of what destroy left.
cat >Edccfile <<EOT
project = demo

instances:
    count = 1

build forever:
    echo begun
    sleep 1000
EOT
settle() { sed -E 's/[0-9]{8}-[0-9]{6}-[0-9a-f]{6}/RUN/; s/[0-9]+ slots?/N slots/; s/[0-9.]+ m?s\b/TIME/; s/[0-9-]+T[0-9:]+Z/WHEN/; s/process [0-9]+ on [^,]+, since [0-9TZ:.-]+/PROCESS/'; }
"$EDCC" apply >out 2>&1 &
until grep -qs begun out; do sleep 0.1; done
"$EDCC" status | settle
"$EDCC" destroy 2>&1 | sed -E 's/pid [0-9]+/PID/; s/[0-9-]+T[0-9:.]+Z/WHEN/' | head -1 | cut -c1-30
kill -KILL $!
wait
# What it ran ends by itself.
looks=0
while [ $looks -lt 600 ] && grep -qsz "^EDCC_RUN=$(ls .edcc/runs)" /proc/[0-9]*/environ; do
	sleep 0.1
	looks=$((looks + 1))
done
"$EDCC" status | settle
"$EDCC" destroy 2>&1 | settle
"$EDCC" status | settle
