# A name of edcc's that is misspelt in a recipe; but not where anything may set it.
unset JOBBS
export JOBX=4
cat >Edccfile <<'EOT'
DISTCC_HOST = red
if $(env EDCC_NOWHERE, no) == yes:
    EDCC_RUNS = 1

build slips: other
    make -j$JBOS
    make -j$JBOS install

build braces:
    make -j"${jobs}" REV=$COMIT # $EDCC_HOST

build late:
    echo "$JOBS $CC $CXX $COMMIT" # $JBOS
    echo '$JBOS' "\$JBOS" $$JBOS ${JBOS:-4} ${#JBOS}
    echo "the project is $EDCC_PROJCT"

build other:
    # $JBOS
    for job in 1 2; do echo $job; done
    read -r JBOS
    JOB=1 make -j$JOB -j$JBOS -j$JOBX $CCC $CX $DISTCC_DIR $DISTCC_HOST $EDCC_RUNS $CHOST $OBJS

build text:
    cat <<END
    $JBOS
    END

build sourced:
    . ./environment
    make -j$JBOS

build quoted:
    awk '{
        print $JBOS
    }' file

on build_failed:
    echo $EDCC_TARGTE
EOT
"$EDCC" check
JBOS=4 "$EDCC" check 2>&1 | head -n 3
