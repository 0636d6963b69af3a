# `script =`: what is wrong in the script is told at its place there.
printf 'build a:\n    script = a.sh\nbuild b:\n    script = none.sh\nbuild c:\n    script = c.py\nbucket = "a b"\n' >Edccfile
printf '#!/bin/bash\necho {{.Region}} {{.Regoin}}\nkey={{.AccessKeyID}} {{.SecretAccessKeyID}}\n{{.BucketName}} {{.Open\n' >a.sh
printf '#!/usr/bin/python3\nprint(1)\n' >c.py
"$EDCC" check
