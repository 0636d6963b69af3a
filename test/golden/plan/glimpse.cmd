cat >Edccfile <<'END'
project = glimpse

build all:
    # What a line leaves open goes on with the next.
    for f in a b; do
        if [ -e $f ]; then
            cat $f |
                wc -l
        fi
    done
    echo done
END
"$EDCC" plan | sed -n '/^build/,/^$/p'
