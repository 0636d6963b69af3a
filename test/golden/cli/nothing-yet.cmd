echo 'x = 1' >Edccfile
"$EDCC" status; echo "= $?"
"$EDCC" logs; echo "= $?"
"$EDCC" destroy 2>&1 | sed 's/([0-9]* ms)/(TIME)/'
"$EDCC" apply 2>&1 | sed 's/([0-9]* ms)/(TIME)/; s/[0-9]\{8\}-[0-9]\{6\}-....../RUN/'
"$EDCC" destroy --run nonsense 2>&1 | sed 's/([0-9]* ms)/(TIME)/; s/[0-9]\{8\}-[0-9]\{6\}-....../RUN/'
"$EDCC" ssh red; echo "= $?"
